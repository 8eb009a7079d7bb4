/// Parts of module paths that are called otherwise in checkpoints, and were called so in earlier versions of Transformers.
///
/// Adapters of either time name their modules by the paths of theirs.
public struct PathAliases: Sendable, Hashable {
  /// A part of a path, of whole names, and what it is called in checkpoints.
  struct Pair: Sendable, Hashable {
    let own: String
    let stored: String

    init(_ own: String, _ stored: String) { (self.own, self.stored) = (own, stored) }
  }

  private let pairs: [Pair]

  /// Pairs in the order in which they are applied, each once.
  init(_ pairs: [Pair]) { self.pairs = pairs }

  /// Paths are the same everywhere.
  public static let none = PathAliases([])

  /// Whether paths are the same everywhere.
  public var isEmpty: Bool { pairs.isEmpty }

  /// What a path, or a name that begins with one, is called in checkpoints.
  public func stored(_ path: String) -> String {
    pairs.reduce(path) { $0.replacingPart($1.own, by: $1.stored) }
  }

  /// What a path in a checkpoint, or of an earlier version, is called in the model; one of the model itself stays as it is.
  public func own(_ path: String) -> String {
    pairs.reduce(path) { $0.replacingPart($1.stored, by: $1.own) }
  }
}

extension String {
  /// With the first occurrence of whole names between dots replaced.
  fileprivate func replacingPart(_ part: String, by other: String) -> String {
    var padded = "." + self + "."
    guard let range = padded.firstRange(of: "." + part + ".") else { return self }
    padded.replaceSubrange(range, with: "." + other + ".")
    return String(padded.dropFirst().dropLast())
  }
}
