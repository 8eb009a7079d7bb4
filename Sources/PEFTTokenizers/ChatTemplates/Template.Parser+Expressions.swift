extension Template.Parser {
  /// An expression, or several with commas between, which make a list.
  mutating func tuple(
    withCondition: Bool = true
  ) throws(ChatTemplateError) -> Template.Expression {
    let first = withCondition ? try expression() : try disjunction()
    if tokens.first != .sign(",") { return first }
    var parts = [first]
    while take(","), !tokens.isEmpty { parts.append(try expression()) }
    return .list(parts)
  }

  /// An expression.
  mutating func expression() throws(ChatTemplateError) -> Template.Expression {
    try enter()
    defer { leave() }
    var value = try disjunction()
    var levels = 0
    while take(word: "if") {
      try enter()
      levels += 1
      let test = try disjunction()
      value = .condition(test, then: value, otherwise: take(word: "else") ? try expression() : nil)
    }
    leave(levels)
    return value
  }

  /// Operands with operators of the same rank between, the left ones first.
  private mutating func chain(
    _ signs: [String], words: [String] = [],
    _ operand: (inout Self) throws(ChatTemplateError) -> Template.Expression,
    _ join: (String, Template.Expression, Template.Expression) -> Template.Expression
  ) throws(ChatTemplateError) -> Template.Expression {
    var value = try operand(&self)
    var levels = 0
    while let sign = signs.first(where: { tokens.first == .sign($0) })
      ?? words.first(where: { tokens.first == .name($0) })
    {
      tokens.removeFirst()
      try enter()
      levels += 1
      value = join(sign, value, try operand(&self))
    }
    leave(levels)
    return value
  }

  private mutating func disjunction() throws(ChatTemplateError) -> Template.Expression {
    try chain([], words: ["or"], { (parser) throws(ChatTemplateError) in try parser.conjunction() })
    { .or($1, $2) }
  }

  private mutating func conjunction() throws(ChatTemplateError) -> Template.Expression {
    try chain([], words: ["and"], { (parser) throws(ChatTemplateError) in try parser.negation() }) {
      .and($1, $2)
    }
  }

  private mutating func negation() throws(ChatTemplateError) -> Template.Expression {
    if !take(word: "not") { return try comparison() }
    try enter()
    defer { leave() }
    return .not(try negation())
  }

  private mutating func comparison() throws(ChatTemplateError) -> Template.Expression {
    let value = try sum()
    var parts: [(sign: String, value: Template.Expression)] = []
    while true {
      if let sign = ["==", "!=", "<=", ">=", "<", ">"].first(where: { tokens.first == .sign($0) }) {
        tokens.removeFirst()
        parts.append((sign, try sum()))
      } else if take(word: "in") {
        parts.append(("in", try sum()))
      } else if tokens.first == .name("not"), tokens.dropFirst().first == .name("in") {
        tokens.removeFirst(2)
        parts.append(("not in", try sum()))
      } else {
        return parts.isEmpty ? value : .comparison(value, parts)
      }
    }
  }

  private mutating func sum() throws(ChatTemplateError) -> Template.Expression {
    try chain(["+", "-"], { (parser) throws(ChatTemplateError) in try parser.joined() }) {
      .binary($0, $1, $2)
    }
  }

  private mutating func joined() throws(ChatTemplateError) -> Template.Expression {
    try chain(["~"], { (parser) throws(ChatTemplateError) in try parser.product() }) {
      .binary($0, $1, $2)
    }
  }

  private mutating func product() throws(ChatTemplateError) -> Template.Expression {
    try chain(
      ["*", "/", "//", "%"], { (parser) throws(ChatTemplateError) in try parser.power() }
    ) { .binary($0, $1, $2) }
  }

  private mutating func power() throws(ChatTemplateError) -> Template.Expression {
    try chain(["**"], { (parser) throws(ChatTemplateError) in try parser.unary() }) {
      .binary($0, $1, $2)
    }
  }

  private mutating func unary(
    withFilters: Bool = true
  ) throws(ChatTemplateError) -> Template.Expression {
    var value: Template.Expression
    if take("-") {
      try enter()
      value = .negative(try unary(withFilters: false))
      leave()
    } else if take("+") {
      try enter()
      value = try unary(withFilters: false)
      leave()
    } else {
      value = try primary()
    }
    return try suffixed(value, withFilters: withFilters)
  }

  private mutating func primary() throws(ChatTemplateError) -> Template.Expression {
    guard let token = tokens.first else { throw syntax("an expression is missing") }
    tokens.removeFirst()
    switch token {
    case .integer(let value): return .integer(value)
    case .number(let value): return .number(value)
    case .string(var text):
      while case .string(let more)? = tokens.first {
        text += more
        tokens.removeFirst()
      }
      return .string(text)
    case .name(let name):
      switch name {
      case "true", "True": return .boolean(true)
      case "false", "False": return .boolean(false)
      case "none", "None": return .none
      default: return .variable(name)
      }
    case .sign("("):
      if take(")") { return .list([]) }
      let value = try tuple(until: ")")
      try require(")")
      return value
    case .sign("["):
      var parts: [Template.Expression] = []
      while !take("]") {
        if !parts.isEmpty { try require(",") }
        if take("]") { break }
        parts.append(try expression())
      }
      return .list(parts)
    case .sign("{"):
      var parts: [(key: Template.Expression, value: Template.Expression)] = []
      while !take("}") {
        if !parts.isEmpty { try require(",") }
        if take("}") { break }
        let key = try expression()
        try require(":")
        parts.append((key, try expression()))
      }
      return .dictionary(parts)
    case .sign(let sign): throw syntax("unexpected \"\(sign)\"")
    }
  }

  private mutating func tuple(until end: String) throws(ChatTemplateError) -> Template.Expression {
    let first = try expression()
    if tokens.first != .sign(",") { return first }
    var parts = [first]
    while take(","), tokens.first != .sign(end) { parts.append(try expression()) }
    return .list(parts)
  }

  private mutating func suffixed(
    _ start: Template.Expression, withFilters: Bool
  ) throws(ChatTemplateError) -> Template.Expression {
    var value = start
    var levels = 0
    while true {
      try enter()
      levels += 1
      if take(".") {
        if case .integer(let index)? = tokens.first {
          tokens.removeFirst()
          value = .item(value, .integer(index))
        } else {
          value = .attribute(value, try name())
        }
      } else if take("[") {
        value = try subscripted(value)
      } else if take("(") {
        value = .call(value, try arguments())
      } else if withFilters, take("|") {
        let name = try name()
        value = .filter(value, name, take("(") ? try arguments() : Template.Arguments())
      } else if withFilters, take(word: "is") {
        value = try test(value)
      } else {
        break
      }
    }
    leave(levels)
    return value
  }

  private mutating func subscripted(
    _ value: Template.Expression
  ) throws(ChatTemplateError) -> Template.Expression {
    var parts: [Template.Expression?] = [nil]
    while !take("]") {
      if take(":") {
        parts.append(nil)
      } else {
        guard parts[parts.count - 1] == nil else { throw syntax("expected \"]\", found \(found)") }
        parts[parts.count - 1] = try expression()
      }
    }
    if parts.count == 1 {
      guard let index = parts[0] else { throw syntax("an index is missing") }
      return .item(value, index)
    }
    guard parts.count <= 3 else { throw syntax("a slice of more than three parts") }
    return .slice(
      value, start: parts[0], end: parts[1], step: parts.count > 2 ? parts[2] : nil)
  }

  private mutating func arguments() throws(ChatTemplateError) -> Template.Arguments {
    var arguments = Template.Arguments()
    var isFirst = true
    while !take(")") {
      if !isFirst { try require(",") }
      isFirst = false
      if take(")") { break }
      if tokens.first == .sign("*") || tokens.first == .sign("**") {
        throw .unsupported(line: line, what: "an argument with a star")
      }
      if case .name(let name)? = tokens.first, tokens.dropFirst().first == .sign("=") {
        tokens.removeFirst(2)
        arguments.named.append((name, try expression()))
      } else {
        arguments.values.append(try expression())
      }
    }
    return arguments
  }

  private mutating func test(
    _ value: Template.Expression
  ) throws(ChatTemplateError) -> Template.Expression {
    let isNegative = take(word: "not")
    let name = try name()
    var arguments = Template.Arguments()
    if take("(") {
      arguments = try self.arguments()
    } else {
      switch tokens.first {
      case .name("else"), .name("or"), .name("and"), .name("if"), .name("is"), .name("in"),
        .name("not"):
        break
      case .name, .string, .integer, .number, .sign("["), .sign("{"):
        arguments.values.append(try suffixed(try primary(), withFilters: false))
      default: break
      }
    }
    return .test(value, name, arguments, isNegative: isNegative)
  }
}
