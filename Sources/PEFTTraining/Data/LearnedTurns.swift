/// Which turns of a conversation are learned.
public struct LearnedTurns: Sendable, Hashable {
  /// Whose turns are learned.
  public var roles: Set<String>
  /// Whether only the last of these turns is.
  public var isOnlyLast: Bool

  /// A choice by role and place.
  ///
  /// - Parameters:
  ///   - roles: whose turns are learned.
  ///   - isOnlyLast: whether only the last of them in each conversation is.
  public init(roles: Set<String> = ["assistant"], isOnlyLast: Bool = false) {
    (self.roles, self.isOnlyLast) = (roles, isOnlyLast)
  }

  /// For each turn whether it is learned; what a turn says of itself comes before its role.
  public func choice(of turns: [ChatTurn]) -> [Bool] {
    let isLearned = turns.map { $0.isLearned ?? roles.contains($0.role) }
    guard isOnlyLast else { return isLearned }
    let last = isLearned.lastIndex(of: true)
    return turns.indices.map { $0 == last }
  }
}
