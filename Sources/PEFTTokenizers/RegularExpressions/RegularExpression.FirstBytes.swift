extension RegularExpression {
  /// With what a match of a part can begin: ASCII characters, anything beyond, or the end of the text.
  struct FirstBytes: Sendable {
    /// The number that stands for all bytes beyond ASCII.
    static let foreign = 128
    /// The number that stands for the end of the text.
    static let end = 129

    /// Whether a match can begin so.
    private(set) var members: [Bool]

    private init(all value: Bool) { members = Array(repeating: value, count: 130) }

    /// What a match of `node` can begin with; all there is where it may match nothing.
    init(_ node: Node) {
      self.init(all: false)
      let isNullable = add(node)
      if isNullable { self.init(all: true) }
    }

    /// Adds what a part can begin with, and says whether what follows it counts too.
    private mutating func add(_ node: Node) -> Bool {
      switch node {
      case .set(let set):
        for byte in UInt8(0)..<128 where set.contains(ascii: byte) { members[Int(byte)] = true }
        if set.reachesBeyondASCII { members[Self.foreign] = true }
        return false
      case .sequence(let parts):
        for part in parts where !add(part) { return false }
        return true
      case .alternatives(let parts):
        var isNullable = false
        for part in parts where add(part) { isNullable = true }
        return isNullable
      case .repetition(let part, let minimum, _, _):
        return add(part) || minimum == 0
      case .atomic(let part): return add(part)
      case .look, .lookBehind, .start, .end:
        self = Self(all: true)
        return true
      }
    }
  }
}
