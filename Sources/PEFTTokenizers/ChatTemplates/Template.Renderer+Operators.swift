extension Template.Renderer {
  /// A number with the other sign.
  func negative(_ value: Template.Value) throws(ChatTemplateError) -> Template.Value {
    if let integer = value.integer, integer != .min { return .integer(-integer) }
    guard let number = value.number else { throw failure("the negative of \(value.kind)") }
    return .number(-number)
  }

  /// The result of an operator.
  mutating func binary(
    _ sign: String, _ left: Template.Value, _ right: Template.Value
  ) throws(ChatTemplateError) -> Template.Value {
    switch (sign, left, right) {
    case ("~", _, _): return .string(try joined(try text(left), try text(right)))
    case ("+", .string(let a), .string(let b)): return .string(try joined(a, b))
    case ("+", .list(let a), .list(let b)):
      try spend(a.count + b.count)
      return .list(a + b)
    case ("*", .string(let text), _):
      guard let count = right.integer else { break }
      return .string(try repeated(text, count))
    case ("*", _, .string(let text)):
      guard let count = left.integer else { break }
      return .string(try repeated(text, count))
    case ("%", .string, _): throw .unsupported(line: line, what: "formatting by %")
    default: break
    }
    if let a = left.integer, let b = right.integer, sign != "/" { return try integer(sign, a, b) }
    guard let a = left.number, let b = right.number else {
      throw failure("\(left.kind) \(sign) \(right.kind)")
    }
    switch sign {
    case "+": return .number(a + b)
    case "-": return .number(a - b)
    case "*": return .number(a * b)
    case "/", "//", "%":
      if b == 0 { throw failure("a division by zero") }
      let quotient = (a / b).rounded(.down)
      return .number(sign == "/" ? a / b : sign == "//" ? quotient : a - quotient * b)
    default: throw .unsupported(line: line, what: "\"\(sign)\" of numbers")
    }
  }

  private mutating func joined(_ left: String, _ right: String) throws(ChatTemplateError) -> String
  {
    let count = left.utf8.count + right.utf8.count
    try spend(count)
    if count > Self.longestText {
      throw .limit(line: line, what: "a text of more than \(Self.longestText) bytes")
    }
    return left + right
  }

  private mutating func repeated(_ text: String, _ count: Int) throws(ChatTemplateError) -> String {
    let (size, isTooLong) = text.utf8.count.multipliedReportingOverflow(by: max(count, 0))
    if isTooLong || size > Self.longestText {
      throw .limit(line: line, what: "a text of more than \(Self.longestText) bytes")
    }
    try spend(size)
    return size == 0 ? "" : String(repeating: text, count: count)
  }

  private func integer(
    _ sign: String, _ a: Int, _ b: Int
  ) throws(ChatTemplateError) -> Template.Value {
    let result: (partialValue: Int, overflow: Bool)
    switch sign {
    case "+": result = a.addingReportingOverflow(b)
    case "-": result = a.subtractingReportingOverflow(b)
    case "*": result = a.multipliedReportingOverflow(by: b)
    case "//", "%":
      if b == 0 { throw failure("a division by zero") }
      if b == -1 {
        result = sign == "%" ? (0, false) : 0.subtractingReportingOverflow(a)
      } else {
        // Python rounds down, Swift towards zero.
        let rest = a % b
        let isOff = rest != 0 && (rest < 0) != (b < 0)
        result = (sign == "%" ? (isOff ? rest + b : rest) : a / b - (isOff ? 1 : 0), false)
      }
    default: throw .unsupported(line: line, what: "\"\(sign)\" of integers")
    }
    if result.overflow { throw .limit(line: line, what: "an integer of more than 64 bits") }
    return .integer(result.partialValue)
  }

  /// The result of a comparison.
  mutating func compare(
    _ left: Template.Value, _ sign: String, _ right: Template.Value
  ) throws(ChatTemplateError) -> Bool {
    switch sign {
    case "==": return Template.Value.isEqual(left, right)
    case "!=": return !Template.Value.isEqual(left, right)
    case "in": return try contains(right, left)
    case "not in": return try !contains(right, left)
    default: break
    }
    let order: Int
    if case .string(let a) = left, case .string(let b) = right {
      order = Self.order(a, b)
    } else if let a = left.number, let b = right.number {
      order = a < b ? -1 : a > b ? 1 : 0
      if a.isNaN || b.isNaN { return false }
    } else {
      throw failure("\(left.kind) \(sign) \(right.kind)")
    }
    switch sign {
    case "<": return order < 0
    case "<=": return order <= 0
    case ">": return order > 0
    default: return order >= 0
    }
  }

  /// Whether one text comes before (-1) or after (1) another, by their code points.
  static func order(_ left: String, _ right: String) -> Int {
    if left.utf8.elementsEqual(right.utf8) { return 0 }
    return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
  }

  private mutating func contains(
    _ whole: Template.Value, _ part: Template.Value
  ) throws(ChatTemplateError) -> Bool {
    switch (whole, part) {
    case (.string(let text), .string(let part)):
      try spend(text.utf8.count)
      return !TextSearch.places(of: part, in: text, limit: 1).isEmpty
    case (.list(let values), _):
      try spend(values.count)
      return values.contains { Template.Value.isEqual($0, part) }
    case (.dictionary(let members), .string(let name)):
      return members.contains { Template.same($0.name, name) }
    case (.dictionary, _), (.undefined, _): return false
    default: throw failure("\(part.kind) in \(whole.kind)")
    }
  }
}
