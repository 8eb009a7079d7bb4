extension Template.Renderer {
  /// Whether a value passes a test.
  mutating func test(
    _ value: Template.Value, _ name: String, _ values: [Template.Value]
  ) throws(ChatTemplateError) -> Bool {
    switch name {
    case "defined": if case .undefined = value { return false } else { return true }
    case "undefined": if case .undefined = value { return true } else { return false }
    case "none": if case .none = value { return true } else { return false }
    case "string": if case .string = value { return true } else { return false }
    case "mapping": if case .dictionary = value { return true } else { return false }
    case "boolean": if case .boolean = value { return true } else { return false }
    case "integer": if case .integer = value { return true } else { return false }
    case "float": if case .number = value { return true } else { return false }
    case "number": return value.number != nil
    case "callable": if case .function = value { return true } else { return false }
    case "true": if case .boolean(true) = value { return true } else { return false }
    case "false": if case .boolean(false) = value { return true } else { return false }
    case "iterable", "sequence":
      switch value {
      case .string, .list, .dictionary: return true
      case .undefined: return name == "iterable" || name == "sequence"
      default: return false
      }
    case "odd", "even", "divisibleby":
      guard let integer = value.integer else { throw failure("\(value.kind) is \(name)") }
      let divisor = name == "divisibleby" ? values.first?.integer ?? 0 : 2
      if divisor == 0 { throw failure("a division by zero") }
      return (divisor == -1 || integer % divisor == 0) != (name == "odd")
    case "lower", "upper":
      guard case .string(let text) = value else { throw failure("\(value.kind) is \(name)") }
      let changed = name == "lower" ? text.lowercased() : text.uppercased()
      let hasCase = text.unicodeScalars.contains { $0.properties.isCased }
      return hasCase && Template.same(changed, text)
    default: break
    }
    let signs = [
      "eq": "==", "equalto": "==", "==": "==", "ne": "!=", "!=": "!=", "lt": "<", "lessthan": "<",
      "le": "<=", "gt": ">", "greaterthan": ">", "ge": ">=", "in": "in", "sameas": "==",
    ]
    guard let sign = signs[name] else {
      throw .unsupported(line: line, what: "the test \"\(name)\"")
    }
    guard let other = values.first else { throw failure("the test \(name) takes a value") }
    return try compare(value, sign, other)
  }
}
