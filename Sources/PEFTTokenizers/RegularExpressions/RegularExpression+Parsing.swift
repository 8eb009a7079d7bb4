extension RegularExpression {
  /// What is wrong with a pattern.
  struct PatternError: Error {
    /// What is not as it should be, and where.
    var text: String
  }

  /// Reads patterns as Oniguruma does, as far as they are known here.
  struct Parser {
    /// How deep groups and classes may be nested.
    private static let deepest = 50
    /// How often a part may be repeated by a number.
    private static let mostRepeats = 1000

    let points: [UInt32]
    var position = 0
    var ignoresCase = false
    var depth = 0

    /// A parser of a pattern.
    init(_ pattern: String) { points = pattern.unicodeScalars.map(\.value) }

    /// The whole pattern.
    mutating func parse() throws(PatternError) -> Node {
      let node = try alternatives()
      if position < points.count { throw error("a closing parenthesis without an opening one") }
      return node
    }

    /// The error for what stands here.
    func error(_ text: String) -> PatternError { PatternError(text: "\(text) at \(position)") }

    /// The code point here, nil at the end.
    var next: UInt32? { position < points.count ? points[position] : nil }

    /// Whether a character stands here.
    func isNext(_ character: Unicode.Scalar) -> Bool { next == character.value }

    /// Takes a string if it stands here.
    mutating func take(_ text: String) -> Bool {
      let wanted = text.unicodeScalars.map(\.value)
      guard points.dropFirst(position).starts(with: wanted) else { return false }
      position += wanted.count
      return true
    }

    /// Enters a group or a class.
    mutating func enter() throws(PatternError) {
      depth += 1
      if depth > Self.deepest { throw error("groups nested deeper than \(Self.deepest)") }
    }

    private mutating func alternatives() throws(PatternError) -> Node {
      try enter()
      let ignoredCase = ignoresCase
      var parts = [try sequence()]
      while take("|") { parts.append(try sequence()) }
      ignoresCase = ignoredCase
      depth -= 1
      return parts.count == 1 ? parts[0] : .alternatives(parts)
    }

    private mutating func sequence() throws(PatternError) -> Node {
      var parts: [Node] = []
      while next != nil, !isNext("|"), !isNext(")") {
        guard let atom = try atom() else { continue }
        parts.append(try repeated(atom))
      }
      return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func repeated(_ atom: Node) throws(PatternError) -> Node {
      var node = atom
      while let bounds = try bounds() {
        var greed = Greed.greedy
        if take("?") {
          greed = .lazy
        } else if take("+") {
          if bounds.isCounted { throw error("a possessive counted repetition") }
          greed = .possessive
        }
        if bounds.maximum == nil, node.isNullable {
          throw error("a repetition without end of what may match nothing")
        }
        node = .repetition(node, minimum: bounds.minimum, maximum: bounds.maximum, greed)
      }
      return node
    }

    private typealias Bounds = (minimum: Int, maximum: Int?, isCounted: Bool)

    private mutating func bounds() throws(PatternError) -> Bounds? {
      if take("*") { return (0, nil, false) }
      if take("+") { return (1, nil, false) }
      if take("?") { return (0, 1, false) }
      if !isNext("{") { return nil }
      let start = position
      position += 1
      let minimum = number()
      let hasComma = take(",")
      let maximum = hasComma ? number() : minimum
      guard take("}"), minimum != nil || maximum != nil else {
        position = start
        throw error("a brace that is no repetition")
      }
      if (minimum ?? 0) > (maximum ?? .max) { throw error("a repetition from more to less") }
      if max(minimum ?? 0, maximum ?? 0) > Self.mostRepeats {
        throw error("more than \(Self.mostRepeats) repetitions")
      }
      return (minimum ?? 0, maximum, true)
    }

    private mutating func number() -> Int? {
      var value: Int?
      while let point = next, (0x30...0x39).contains(point) {
        value = min((value ?? 0) * 10 + Int(point - 0x30), 1_000_000)
        position += 1
      }
      return value
    }

    /// One part without its repetition; nil for one that only sets an option.
    private mutating func atom() throws(PatternError) -> Node? {
      let point = points[position]
      switch Unicode.Scalar(point) {
      case "(": return try group()
      case "[":
        position += 1
        return .set(CodeSet(try characterClass()))
      case ".":
        position += 1
        return .set(CodeSet(.complement(.range(0x0A, 0x0A))))
      case "^":
        position += 1
        return .start
      case "$":
        position += 1
        return .end
      case "*", "+", "?", "{": throw error("a repetition of nothing")
      case "\\":
        position += 1
        switch next.flatMap(Unicode.Scalar.init) {
        case "A":
          position += 1
          return .start
        case "z":
          position += 1
          return .end
        default: return .set(CodeSet(try escape()))
        }
      default:
        position += 1
        return .set(CodeSet(try literal(point)))
      }
    }

    private mutating func group() throws(PatternError) -> Node? {
      position += 1
      var node: Node
      if take("?:") {
        node = try alternatives()
      } else if take("?=") {
        node = .look(try alternatives(), isNegative: false)
      } else if take("?!") {
        node = .look(try alternatives(), isNegative: true)
      } else if take("?>") {
        node = .atomic(try alternatives())
      } else if take("?<=") {
        node = .lookBehind(try single(try alternatives()), isNegative: false)
      } else if take("?<!") {
        node = .lookBehind(try single(try alternatives()), isNegative: true)
      } else if take("?i:") {
        let ignoredCase = ignoresCase
        ignoresCase = true
        node = try alternatives()
        ignoresCase = ignoredCase
      } else if take("?i)") {
        ignoresCase = true
        return nil
      } else if isNext("?") {
        throw error("a group of a kind that is not known")
      } else {
        node = try alternatives()
      }
      if !take(")") { throw error("a group that does not end") }
      return node
    }

    /// The set of a part that is one code point.
    private func single(_ node: Node) throws(PatternError) -> CodeSet {
      guard case .set(let set) = node else { throw error("a look behind at more than a character") }
      return set
    }
  }
}
