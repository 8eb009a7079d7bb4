extension Template.Renderer {
  /// What a filter makes of a value.
  mutating func filtered(
    _ value: Template.Value, _ name: String, _ values: [Template.Value],
    _ named: [Template.Value.Member]
  ) throws(ChatTemplateError) -> Template.Value {
    func argument(_ index: Int, _ key: String) -> Template.Value? {
      index < values.count ? values[index] : named.first { Template.same($0.name, key) }?.value
    }
    switch name {
    case "default", "d":
      let isMissing: Bool
      if case .undefined = value { isMissing = true } else { isMissing = false }
      let takesFalse = argument(1, "boolean")?.isTrue ?? false
      return isMissing || takesFalse && !value.isTrue
        ? argument(0, "default_value") ?? .string("") : value
    case "length", "count":
      if case .string(let text) = value { return .integer(text.unicodeScalars.count) }
      return .integer(try elements(of: value).count)
    case "trim":
      var characters: String?
      if case .string(let given)? = argument(0, "chars") { characters = given }
      return .string(TextSearch.trimmed(try text(value), of: characters))
    case "upper": return .string(try text(value).uppercased())
    case "lower": return .string(try text(value).lowercased())
    case "capitalize": return .string(Self.capitalized(try text(value)))
    case "title": return .string(Self.titled(try text(value)))
    case "string", "safe": return .string(try text(value))
    case "replace":
      return .string(
        try replaced(
          try text(value), try string(values, 0, name), try string(values, 1, name),
          argument(2, "count")?.integer ?? -1))
    case "join":
      var separator = ""
      if case .string(let given)? = argument(0, "d") { separator = given }
      var items = try elements(of: value)
      if let key = argument(1, "attribute") { items = try items.map(attribute: key, self) }
      return .string(try joined(items, by: separator))
    case "first": return try elements(of: value).first ?? .undefined("the first of no elements")
    case "last": return try elements(of: value).last ?? .undefined("the last of no elements")
    case "list": return .list(try elements(of: value))
    case "reverse":
      if case .string(let text) = value {
        return .string(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
      }
      return .list(try elements(of: value).reversed())
    case "items":
      guard case .dictionary(let members) = value else {
        if case .undefined = value { return .list([]) }
        throw failure("items of \(value.kind)")
      }
      return .list(members.map { .list([.string($0.name), $0.value]) })
    case "abs":
      if let number = value.integer, number != .min { return .integer(abs(number)) }
      guard let number = value.number else { throw failure("abs of \(value.kind)") }
      return .number(abs(number))
    case "int": return try integer(value, otherwise: argument(0, "default"))
    case "float":
      if let number = value.number { return .number(number) }
      if case .string(let text) = value, let number = Double(TextSearch.trimmed(text)) {
        return .number(number)
      }
      return argument(0, "default") ?? .number(0)
    case "tojson": return try json(value, argument)
    case "indent": return .string(try indented(try text(value), argument))
    case "select", "reject", "selectattr", "rejectattr":
      return .list(try selected(try elements(of: value), name, values))
    case "map": return .list(try mapped(try elements(of: value), values, named))
    case "unique":
      var kept: [Template.Value] = []
      for item in try elements(of: value) {
        try spend(kept.count)
        if !kept.contains(where: { Template.Value.isEqual($0, item) }) { kept.append(item) }
      }
      return .list(kept)
    default: throw .unsupported(line: line, what: "the filter \"\(name)\"")
    }
  }

  private func integer(
    _ value: Template.Value, otherwise: Template.Value?
  ) throws(ChatTemplateError) -> Template.Value {
    if let integer = value.integer { return .integer(integer) }
    if let number = value.number, let integer = Int(exactly: number.rounded(.towardZero)) {
      return .integer(integer)
    }
    if case .string(let text) = value {
      let trimmed = TextSearch.trimmed(text)
      if let integer = Int(trimmed) { return .integer(integer) }
      if let number = Double(trimmed), let integer = Int(exactly: number.rounded(.towardZero)) {
        return .integer(integer)
      }
    }
    return otherwise ?? .integer(0)
  }

  private mutating func json(
    _ value: Template.Value, _ argument: (Int, String) -> Template.Value?
  ) throws(ChatTemplateError) -> Template.Value {
    if argument(0, "ensure_ascii")?.isTrue == true || argument(3, "sort_keys")?.isTrue == true {
      throw .unsupported(line: line, what: "tojson with ensure_ascii or sort_keys")
    }
    let indent = argument(1, "indent")?.integer
    var separators = (item: indent == nil ? ", " : ",", key: ": ")
    if case .list(let given)? = argument(2, "separators"), given.count == 2 {
      separators = (try string(given, 0, "separators"), try string(given, 1, "separators"))
    }
    guard indent.map({ (0...64).contains($0) }) ?? true else {
      throw failure("tojson with an indent of \(indent ?? 0)")
    }
    var output = ""
    let problem = value.writeJSON(
      to: &output, indent: indent, separators: separators, limit: Self.longestText)
    if let problem { throw failure("tojson of \(problem)") }
    try spend(output.utf8.count)
    return .string(output)
  }

  private mutating func indented(
    _ text: String, _ argument: (Int, String) -> Template.Value?
  ) throws(ChatTemplateError) -> String {
    var prefix = "    "
    if let width = argument(0, "width")?.integer {
      guard (0...64).contains(width) else { throw failure("an indent of \(width)") }
      prefix = String(repeating: " ", count: width)
    } else if case .string(let given)? = argument(0, "width") {
      prefix = given
    }
    let first = argument(1, "first")?.isTrue ?? false
    let blank = argument(2, "blank")?.isTrue ?? false
    let lines = TextSearch.split(text, by: "\n").enumerated().map { index, line in
      (index == 0 ? first : blank || !line.isEmpty) ? prefix + line : line
    }
    return try joined(lines.map { .string($0) }, by: "\n")
  }

  private mutating func selected(
    _ items: [Template.Value], _ name: String, _ values: [Template.Value]
  ) throws(ChatTemplateError) -> [Template.Value] {
    let hasKey = name.hasSuffix("attr")
    let rejects = name.hasPrefix("reject")
    var rest = values[...]
    guard let key = hasKey ? rest.popFirst() : .some(.none) else {
      throw failure("\(name) takes the name of a member")
    }
    var kept: [Template.Value] = []
    for item in items {
      let subject = hasKey ? try [item].map(attribute: key, self)[0] : item
      let passes: Bool
      if case .string(let test)? = rest.first {
        passes = try self.test(subject, test, Array(rest.dropFirst()))
      } else {
        passes = subject.isTrue
      }
      if passes != rejects { kept.append(item) }
      try spend(1)
    }
    return kept
  }

  private mutating func mapped(
    _ items: [Template.Value], _ values: [Template.Value], _ named: [Template.Value.Member]
  ) throws(ChatTemplateError) -> [Template.Value] {
    if let key = named.first(where: { $0.name == "attribute" })?.value {
      let missing = named.first { $0.name == "default" }?.value
      return try items.map(attribute: key, self).map {
        if let missing, case .undefined = $0 { missing } else { $0 }
      }
    }
    let filter = try string(values, 0, "map")
    var results: [Template.Value] = []
    for item in items {
      try enter()
      results.append(try filtered(item, filter, Array(values.dropFirst()), named))
      leave()
    }
    return results
  }
}

extension [Template.Value] {
  /// A member of each value; a name with dots goes through several.
  fileprivate func map(
    attribute key: Template.Value, _ renderer: Template.Renderer
  ) throws(ChatTemplateError) -> [Template.Value] {
    guard case .string(let path) = key else {
      throw .unsupported(line: renderer.line, what: "an attribute that is no name")
    }
    var values: [Template.Value] = []
    for value in self {
      var value = value
      for name in TextSearch.split(path, by: ".") { value = try renderer.member(name, of: value) }
      values.append(value)
    }
    return values
  }
}
