import PEFTCheckpoints
import PEFTJSON

/// The options of one call of a subcommand, from the command line and from a settings file.
struct Arguments {
  /// Where a value was written.
  private enum Source {
    case commandLine
    case settings(path: String)
  }

  private let usage: Usage
  private var values: [String: (text: String, source: Source)] = [:]
  /// All values of options that can be given several times.
  private var repeated: [String: [String]] = [:]

  /// Sorts the words after the subcommand, and reads the settings file where one is named.
  init(_ words: [String], for usage: Usage) throws {
    self.usage = usage
    try parse(words)
    if let path = values["config"]?.text { try readSettings(path) }
  }

  /// Whether an option was given.
  func has(_ name: String) -> Bool { values[name] != nil }

  /// Whether a switch is on.
  func isOn(_ name: String) -> Bool { values[name]?.text == "true" }

  /// A value, or nil.
  func string(_ name: String) -> String? {
    assert(option(name) != nil, "the option \(name) is not declared")
    return values[name]?.text
  }

  /// A value that has to be given.
  func required(_ name: String) throws(CommandError) -> String {
    guard let text = string(name) else { throw .missingOption(name) }
    return text
  }

  /// Every value of an option that can be given several times.
  func texts(_ name: String) -> [String] { repeated[name] ?? [] }

  /// Every option that was given, with its value; lines between the values of one that can be given several times.
  var written: [String: String] {
    Dictionary(
      uniqueKeysWithValues: values.map { name, value in
        (name, repeated[name]?.joined(separator: "\n") ?? value.text)
      })
  }

  /// Gives an option a value that `written` had.
  ///
  /// - Throws: `CommandError.unknownOption` for one that there is not.
  mutating func fill(_ name: String, _ text: String) throws(CommandError) {
    guard let option = option(name) else { throw .unknownOption("--\(name)", nearest: []) }
    values[name] = (text, .commandLine)
    if option.isRepeatable { repeated[name] = text.split(separator: "\n").map(String.init) }
  }

  /// The parts of a value between commas, or nil.
  func list(_ name: String) -> [String]? {
    string(name)?.split(separator: ",").map { $0.drop { $0 == " " } }.map(String.init)
  }

  /// A whole number, or nil.
  func integer(_ name: String, in range: ClosedRange<Int> = 0...Int.max) throws(CommandError)
    -> Int?
  {
    guard let text = string(name) else { return nil }
    guard let value = Int(text), range.contains(value) else {
      let bound =
        range.upperBound == .max
        ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
      throw invalid(name, expected: "a whole number \(bound)")
    }
    return value
  }

  /// A number, or nil.
  func number(
    _ name: String, in range: ClosedRange<Double> = 0...Double.infinity
  ) throws(CommandError) -> Double? {
    guard let text = string(name) else { return nil }
    guard let value = Double(text), value.isFinite, range.contains(value) else {
      let bound =
        range.upperBound == .infinity
        ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
      throw invalid(name, expected: "a number \(bound)")
    }
    return value
  }

  /// A seed.
  func seed(_ name: String = "seed", default fallback: UInt64 = 0) throws(CommandError) -> UInt64 {
    guard let text = string(name) else { return fallback }
    guard let value = UInt64(text) else { throw invalid(name, expected: "a whole number") }
    return value
  }

  /// One of the words that an enumeration knows, or nil.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, _: Choice.Type = Choice.self
  ) throws(CommandError) -> Choice? {
    guard let text = string(name) else { return nil }
    guard let value = Choice(rawValue: text) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw invalid(name, expected: "one of \(known)")
    }
    return value
  }

  /// The error for a value that an option cannot take.
  func invalid(_ name: String, expected: String) -> CommandError {
    let text = values[name]?.text ?? ""
    if case .settings(let path) = values[name]?.source {
      return .invalidSetting(path: path, name: name, value: text, expected: expected)
    }
    return .invalidValue(option: name, value: text, expected: expected)
  }

  private func option(_ name: String) -> Option? {
    usage.options.first { $0.name == name }
  }

  private mutating func parse(_ words: [String]) throws(CommandError) {
    var rest = words[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("-"), word != "-" else {
        guard let name = usage.positional, values[name] == nil else {
          throw .unexpectedArgument(word)
        }
        values[name] = (word, .commandLine)
        continue
      }
      let parts = word.drop { $0 == "-" }.split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts.first.map(String.init) ?? ""
      guard word.hasPrefix("--"), let option = option(name) else {
        throw .unknownOption(
          word,
          nearest: nearestNames(to: name, among: usage.options.map(\.name), count: 2).map {
            "--\($0)"
          })
      }
      if values[name] != nil, !option.isRepeatable { throw .repeated(option: name) }
      if option.value == nil {
        if parts.count > 1 { throw .unneededValue(option: name) }
        values[name] = ("true", .commandLine)
      } else if parts.count > 1 {
        values[name] = (String(parts[1]), .commandLine)
      } else if let value = rest.popFirst() {
        values[name] = (value, .commandLine)
      } else {
        throw .missingValue(option: name)
      }
      if option.isRepeatable, let text = values[name]?.text {
        repeated[name, default: []].append(text)
      }
    }
  }

  private mutating func readSettings(_ path: String) throws {
    let file = try ConfigurationFile(path: path)
    for member in file.members {
      let name = String(member.name.map { $0 == "_" ? "-" : $0 })
      guard let option = option(name), name != "config" else {
        throw CommandError.unknownSetting(
          path: path, name: member.name,
          nearest: nearestNames(to: name, among: usage.options.map(\.name), count: 2))
      }
      if case .settings = values[name]?.source {
        throw CommandError.repeatedSetting(path: path, name: member.name)
      }
      if option.isRepeatable {
        try readRepeated(name, member, path)
        continue
      }
      if values[name] != nil { continue }
      guard let text = Self.text(of: member.value, isSwitch: option.value == nil) else {
        if member.value.isNull { continue }
        throw CommandError.invalidSetting(
          path: path, name: member.name, value: member.value.text(.compact),
          expected: option.value == nil ? "true or false" : "a string, a number or a list")
      }
      values[name] = (text, .settings(path: path))
    }
  }

  /// Names and values as an object; the command line wins.
  private mutating func readRepeated(
    _ name: String, _ member: JSON.Member, _ path: String
  ) throws(CommandError) {
    guard let members = member.value.members else {
      throw .invalidSetting(
        path: path, name: member.name, value: member.value.text(.compact), expected: "an object")
    }
    let given = repeated[name] ?? []
    let added = members.filter { entry in !given.contains { $0.hasPrefix(entry.name + "=") } }
    repeated[name] = given + added.map { "\($0.name)=\($0.value.text(.compact))" }
    values[name] = ("", .settings(path: path))
  }

  /// A setting as it would stand on the command line; nil where it cannot stand there.
  private static func text(of value: JSON, isSwitch: Bool) -> String? {
    if isSwitch { return value.bool.map(String.init) }
    switch value {
    case .string(let text): return text
    case .integer(let number): return String(number)
    case .number(let number): return String(number)
    case .array(let elements):
      let parts = elements.compactMap { text(of: $0, isSwitch: false) }
      return parts.count == elements.count ? parts.joined(separator: ",") : nil
    case .null, .bool, .object: return nil
    }
  }
}
