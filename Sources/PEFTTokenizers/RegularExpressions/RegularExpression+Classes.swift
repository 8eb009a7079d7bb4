extension RegularExpression.Parser {
  /// A character as it is, or in any case.
  func literal(
    _ point: UInt32
  ) throws(RegularExpression.PatternError) -> CodeSet.Description {
    if !ignoresCase { return .range(point, point) }
    switch point {
    case 0x41...0x5A, 0x61...0x7A:
      let lower = point | 0x20
      var parts: [CodeSet.Description] = [.range(lower, lower), .range(lower - 32, lower - 32)]
      // The long s and the sign of Kelvin are the same letters in another case.
      if lower == 0x73 { parts.append(.range(0x17F, 0x17F)) }
      if lower == 0x6B { parts.append(.range(0x212A, 0x212A)) }
      return .union(parts)
    case 0x80...: throw error("a character beyond ASCII in any case")
    default: return .range(point, point)
    }
  }

  /// What follows a backslash.
  ///
  /// - Parameter isInClass: whether a class holds it, where `\w` takes a little less.
  /// - Returns: the set.
  /// - Throws: `PatternError` for what is not known.
  mutating func escape(isInClass: Bool = false) throws(RegularExpression.PatternError)
    -> CodeSet.Description
  {
    guard let point = next, let scalar = Unicode.Scalar(point) else {
      throw error("a backslash at the end")
    }
    position += 1
    switch scalar {
    case "n": return .range(0x0A, 0x0A)
    case "r": return .range(0x0D, 0x0D)
    case "t": return .range(0x09, 0x09)
    case "f": return .range(0x0C, 0x0C)
    case "v": return .range(0x0B, 0x0B)
    case "s": return .kinds(UnicodeCategories.space)
    case "S": return .complement(.kinds(UnicodeCategories.space))
    case "w": return .kinds(isInClass ? UnicodeCategories.wordInClass : UnicodeCategories.word)
    case "W":
      return .complement(
        .kinds(isInClass ? UnicodeCategories.wordInClass : UnicodeCategories.word))
    case "d": return .kinds(UnicodeCategories.mask(named: "Nd") ?? 0)
    case "D": return .complement(.kinds(UnicodeCategories.mask(named: "Nd") ?? 0))
    case "p": return try property(isNegative: false)
    case "P": return try property(isNegative: true)
    case "x":
      let point = try hexadecimal()
      return .range(point, point)
    case "u":
      let point = try digits(4)
      return .range(point, point)
    case "a"..."z", "A"..."Z", "0"..."9":
      throw error("\\\(scalar), which is not known,")
    default: return try literal(point)
    }
  }

  private mutating func property(
    isNegative: Bool
  ) throws(RegularExpression.PatternError) -> CodeSet.Description {
    guard take("{") else { throw error("a property without a name") }
    let isComplement = take("^") != isNegative
    var name = ""
    while let point = next, point != 0x7D, name.utf8.count < 20 {
      name.unicodeScalars.append(Unicode.Scalar(point) ?? " ")
      position += 1
    }
    let names = ["Letter": "L", "Number": "N", "Punctuation": "P", "Mark": "M", "Symbol": "S"]
    guard take("}"), let mask = UnicodeCategories.mask(named: names[name] ?? name) else {
      throw error("the property \"\(name)\", which is not known,")
    }
    return isComplement ? .complement(.kinds(mask)) : .kinds(mask)
  }

  private mutating func hexadecimal() throws(RegularExpression.PatternError) -> UInt32 {
    if !take("{") { return try digits(2) }
    var value: UInt32 = 0
    var count = 0
    while let digit = hexadecimalDigit(), count < 7 {
      value = value << 4 | digit
      count += 1
    }
    guard count > 0, value <= 0x10FFFF, take("}") else {
      throw error("a number that is no character")
    }
    return value
  }

  private mutating func digits(_ count: Int) throws(RegularExpression.PatternError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let digit = hexadecimalDigit() else { throw error("too few digits of a character") }
      value = value << 4 | digit
    }
    return value
  }

  private mutating func hexadecimalDigit() -> UInt32? {
    guard let point = next, let scalar = Unicode.Scalar(point), scalar.isASCII,
      let digit = Character(scalar).hexDigitValue
    else { return nil }
    position += 1
    return UInt32(digit)
  }

  /// The class whose opening bracket was just taken.
  mutating func characterClass() throws(RegularExpression.PatternError) -> CodeSet.Description {
    try enter()
    defer { depth -= 1 }
    let isNegative = take("^")
    var parts: [CodeSet.Description] = []
    var whole: CodeSet.Description?
    var isFirst = true
    while true {
      guard let point = next else { throw error("a class that does not end") }
      if point == 0x5D, !isFirst {
        position += 1
        break
      }
      isFirst = false
      if take("&&") {
        whole = Self.both(whole, .union(parts))
        parts = []
      } else if take("[:") {
        throw error("a class with a name")
      } else if take("[") {
        parts.append(try characterClass())
      } else {
        parts.append(try member())
      }
    }
    let set = Self.both(whole, .union(parts))
    return isNegative ? .complement(set) : set
  }

  private static func both(
    _ left: CodeSet.Description?, _ right: CodeSet.Description
  ) -> CodeSet.Description {
    left.map { .intersection($0, right) } ?? right
  }

  /// A character, a range of them or an escape.
  private mutating func member() throws(RegularExpression.PatternError) -> CodeSet.Description {
    let low = try bound()
    guard case .range(let start, _) = low.set, low.isCharacter,
      next == 0x2D, position + 1 < points.count, points[position + 1] != 0x5D
    else {
      return low.isCharacter && ignoresCase ? try inAnyCase(low.set) : low.set
    }
    position += 1
    let high = try bound()
    guard case .range(let end, _) = high.set, high.isCharacter, start <= end else {
      throw error("a range that is none")
    }
    if ignoresCase { throw error("a range in any case") }
    return .range(start, end)
  }

  private func inAnyCase(
    _ set: CodeSet.Description
  ) throws(RegularExpression.PatternError) -> CodeSet.Description {
    if case .range(let point, _) = set { return try literal(point) }
    return set
  }

  private mutating func bound()
    throws(RegularExpression.PatternError) -> (set: CodeSet.Description, isCharacter: Bool)
  {
    guard let point = next else { throw error("a class that does not end") }
    position += 1
    if point != 0x5C { return (.range(point, point), true) }
    let ignoredCase = ignoresCase
    ignoresCase = false
    defer { ignoresCase = ignoredCase }
    let set = try escape(isInClass: true)
    if case .range = set { return (set, true) }
    return (set, false)
  }
}
