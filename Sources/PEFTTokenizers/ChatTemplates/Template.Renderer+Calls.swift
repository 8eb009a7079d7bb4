extension Template.Renderer {
  /// The functions that a template may call.
  static let functions: Set<String> = [
    "range", "namespace", "dict", "raise_exception", "strftime_now",
  ]
  static let dictionaryMethods: Set<String> = ["items", "keys", "values", "get"]
  static let listMethods: Set<String> = ["index", "count"]
  static let stringMethods: Set<String> = [
    "strip", "lstrip", "rstrip", "startswith", "endswith", "split", "rsplit", "splitlines",
    "upper", "lower", "capitalize", "title", "replace", "join", "find", "rfind", "count", "isdigit",
    "removeprefix", "removesuffix",
  ]

  /// What a call gives.
  mutating func call(
    _ function: Template.Value, _ values: [Template.Value], _ named: [Template.Value.Member]
  ) throws(ChatTemplateError) -> Template.Value {
    guard case .function(let function) = function else {
      throw failure("a call of \(function.kind)")
    }
    switch function {
    case .macro(let macro): return try call(macro, values, named)
    case .method(let object, let name):
      if !named.isEmpty { throw .unsupported(line: line, what: "a named argument of \(name)") }
      return try method(name, of: object, values)
    case .named("namespace"), .named("dict"):
      var members = named
      if let first = values.first {
        guard case .dictionary(let more) = first, values.count == 1 else {
          throw .unsupported(line: line, what: "a dictionary out of \(first.kind)")
        }
        members = more + named
      }
      if case .named("dict") = function { return .dictionary(members) }
      return .namespace(Template.Namespace(members))
    case .named("range"): return try range(values)
    case .named("raise_exception"):
      throw .raised(line: line, message: try text(values.first ?? .string("")))
    case .named("strftime_now"):
      guard case .string(let format)? = values.first, let text = date(format) else {
        throw .unsupported(line: line, what: "this format of a date")
      }
      return .string(text)
    case .named(let name): throw .unsupported(line: line, what: "the function \(name)")
    }
  }

  private mutating func range(
    _ values: [Template.Value]
  ) throws(ChatTemplateError) -> Template.Value {
    let numbers = values.compactMap(\.integer)
    guard numbers.count == values.count, (1...3).contains(numbers.count) else {
      throw failure("range takes one to three integers")
    }
    let start = numbers.count > 1 ? numbers[0] : 0
    let end = numbers.count > 1 ? numbers[1] : numbers[0]
    let step = numbers.count > 2 ? numbers[2] : 1
    if step == 0 { throw failure("a range with a step of 0") }
    let (distance, isTooLong) = end.subtractingReportingOverflow(start)
    guard !isTooLong, distance.magnitude / step.magnitude <= 100_000 else {
      throw .limit(line: line, what: "a range of more than 100000 integers")
    }
    let list = Array(stride(from: start, to: end, by: step))
    try spend(list.count)
    return .list(list.map { .integer($0) })
  }

  /// The string that an argument is.
  func string(
    _ values: [Template.Value], _ index: Int, _ name: String
  ) throws(ChatTemplateError) -> String {
    guard index < values.count, case .string(let text) = values[index] else {
      let found = index < values.count ? values[index].kind : "nothing"
      throw failure("\(name) takes a string as argument \(index + 1), found \(found)")
    }
    return text
  }

  private mutating func method(
    _ name: String, of object: Template.Value, _ values: [Template.Value]
  ) throws(ChatTemplateError) -> Template.Value {
    switch object {
    case .string(let text):
      try spend(text.utf8.count)
      return try method(name, of: text, values)
    case .dictionary(let members):
      try spend(members.count)
      switch name {
      case "items": return .list(members.map { .list([.string($0.name), $0.value]) })
      case "keys": return .list(members.map { .string($0.name) })
      case "values": return .list(members.map(\.value))
      default:
        let key = try string(values, 0, name)
        let found = members.first { Template.same($0.name, key) }?.value
        return found ?? (values.count > 1 ? values[1] : .none)
      }
    case .list(let list):
      guard let wanted = values.first else { throw failure("\(name) takes a value") }
      try spend(list.count)
      if name == "count" {
        return .integer(list.count { Template.Value.isEqual($0, wanted) })
      }
      guard let index = list.firstIndex(where: { Template.Value.isEqual($0, wanted) }) else {
        throw failure("index of a value that is not in the list")
      }
      return .integer(index)
    default: throw failure("\(object.kind) has no \(name)")
    }
  }

  private mutating func method(
    _ name: String, of text: String, _ values: [Template.Value]
  ) throws(ChatTemplateError) -> Template.Value {
    switch name {
    case "strip", "lstrip", "rstrip":
      var characters: String?
      if let first = values.first, case .string(let given) = first { characters = given }
      return .string(
        TextSearch.trimmed(text, left: name != "rstrip", right: name != "lstrip", of: characters))
    case "startswith", "endswith":
      var options: [Template.Value] = values.first.map { [$0] } ?? []
      if case .list(let list)? = values.first { options = list }
      for index in options.indices {
        let option = try string(options, index, name).utf8
        let isThere =
          name == "startswith"
          ? text.utf8.starts(with: option) : text.utf8.reversed().starts(with: option.reversed())
        if isThere { return .boolean(true) }
      }
      return .boolean(false)
    case "upper": return .string(text.uppercased())
    case "lower": return .string(text.lowercased())
    case "capitalize": return .string(Self.capitalized(text))
    case "title": return .string(Self.titled(text))
    case "replace":
      let limit = values.count > 2 ? values[2].integer ?? -1 : -1
      return .string(
        try replaced(text, try string(values, 0, name), try string(values, 1, name), limit))
    case "join": return .string(try joined(try elements(of: values.first ?? .none), by: text))
    case "find", "rfind", "count":
      let part = try string(values, 0, name)
      let places = TextSearch.places(of: part, in: text)
      if name == "count" { return .integer(places.count) }
      guard let place = name == "find" ? places.first : places.last else { return .integer(-1) }
      return .integer(String(decoding: text.utf8.prefix(place), as: UTF8.self).unicodeScalars.count)
    case "isdigit":
      return .boolean(
        !text.isEmpty && text.unicodeScalars.allSatisfy { $0.properties.numericType == .decimal })
    case "removeprefix":
      let part = try string(values, 0, name)
      return .string(
        text.utf8.starts(with: part.utf8)
          ? String(decoding: text.utf8.dropFirst(part.utf8.count), as: UTF8.self) : text)
    case "removesuffix":
      let part = try string(values, 0, name)
      return .string(
        text.utf8.reversed().starts(with: part.utf8.reversed())
          ? String(decoding: text.utf8.dropLast(part.utf8.count), as: UTF8.self) : text)
    case "splitlines":
      var lines = text.unicodeScalars.split(
        omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" }
      ).map { String($0) }
      if lines.last?.isEmpty == true { lines.removeLast() }
      return .list(
        lines.map {
          .string($0.unicodeScalars.last == "\r" ? String($0.unicodeScalars.dropLast()) : $0)
        })
    default: return .list(try split(text, name, values).map { .string($0) })
    }
  }

  private func split(
    _ text: String, _ name: String, _ values: [Template.Value]
  ) throws(ChatTemplateError) -> [String] {
    let limit = values.count > 1 ? values[1].integer ?? -1 : -1
    guard let first = values.first, case .string = first else {
      if limit >= 0 { throw .unsupported(line: line, what: "a split into some words only") }
      return TextSearch.words(of: text)
    }
    let separator = try string(values, 0, name)
    if separator.isEmpty { throw failure("an empty separator") }
    if name == "split" || limit < 0 {
      return TextSearch.split(text, by: separator, limit: limit < 0 ? .max : limit)
    }
    let parts = TextSearch.split(text, by: separator)
    let kept = max(parts.count - limit, 1)
    return [parts.prefix(kept).joined(separator: separator)] + parts.dropFirst(kept)
  }

  /// A text with the first letter in upper case and the others in lower case.
  static func capitalized(_ text: String) -> String {
    guard let first = text.unicodeScalars.first else { return text }
    return first.properties.titlecaseMapping + String(text.unicodeScalars.dropFirst()).lowercased()
  }

  /// A text with the first letter of every word in upper case.
  static func titled(_ text: String) -> String {
    var output = ""
    var isInside = false
    for scalar in text.unicodeScalars {
      output += isInside ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
      isInside = scalar.properties.isCased
    }
    return output
  }

  /// A text with some occurrences of a part replaced, all of them where the limit is negative.
  mutating func replaced(
    _ text: String, _ part: String, _ new: String, _ limit: Int
  ) throws(ChatTemplateError) -> String {
    if part.isEmpty { throw .unsupported(line: line, what: "replacing an empty text") }
    let parts = TextSearch.split(text, by: part, limit: limit < 0 ? .max : limit)
    return try joined(parts.map { .string($0) }, by: new)
  }

  /// Values as one text with another one between.
  mutating func joined(
    _ values: [Template.Value], by separator: String
  ) throws(ChatTemplateError) -> String {
    var output = ""
    for (index, value) in values.enumerated() {
      if index > 0 { output += separator }
      output += try text(value)
      if output.utf8.count > Self.longestText {
        throw .limit(line: line, what: "a text of more than \(Self.longestText) bytes")
      }
    }
    try spend(output.utf8.count)
    return output
  }
}
