import PEFTJSON

/// Options as fields of an `adapter_config.json`.
enum AdapterFields {
  /// An option that was given, and the fields that it is called by the methods.
  typealias Given = (name: String, fields: [JSON.Member])

  /// The options from which fields are made, besides `--set`.
  static let options = [
    "rank", "alpha", "dropout", "targets", "exclude", "layers", "layers-pattern", "rank-pattern",
    "alpha-pattern", "init", "rslora", "bias", "lora-bias", "modules-to-save",
    "trainable-tokens",
  ]

  /// The fields of the options that were given.
  static func given(_ arguments: Arguments) throws(CommandError) -> [Given] {
    var result: [Given] = []
    func add(_ option: String, _ names: String..., value: JSON?) {
      guard let value else { return }
      result.append((option, names.map { JSON.Member($0, value) }))
    }
    let rank = try arguments.integer("rank", in: 1...1_000_000).map(JSON.integer)
    add("rank", "r", "target_r", value: rank)
    add(
      "alpha", "lora_alpha", "alpha",
      value: try arguments.number("alpha", in: 0...1e9).map(JSON.number))
    add(
      "dropout", "lora_dropout", "vera_dropout",
      value: try arguments.number("dropout", in: 0...0.99).map(JSON.number))
    add("targets", "target_modules", value: targets(arguments, "targets"))
    add("exclude", "exclude_modules", value: try excluded(arguments))
    add("layers", "layers_to_transform", value: try layers(arguments))
    add("layers-pattern", "layers_pattern", value: arguments.list("layers-pattern").map(names))
    add(
      "rank-pattern", "rank_pattern",
      value: try patterns(arguments, "rank-pattern") { Int($0).map(JSON.integer) })
    add(
      "alpha-pattern", "alpha_pattern",
      value: try patterns(arguments, "alpha-pattern") { Double($0).map(JSON.number) })
    add("init", "init_lora_weights", "init_weights", value: arguments.string("init").map(start))
    add("rslora", "use_rslora", value: arguments.isOn("rslora") ? .bool(true) : nil)
    add("bias", "bias", value: arguments.string("bias").map(JSON.string))
    add("lora-bias", "lora_bias", value: arguments.isOn("lora-bias") ? .bool(true) : nil)
    add(
      "modules-to-save", "modules_to_save", value: arguments.list("modules-to-save").map(names))
    let tokens = arguments.list("trainable-tokens")?.compactMap { Int($0) }
    add(
      "trainable-tokens", "trainable_token_indices", "token_indices",
      value: tokens.map { .array($0.map(JSON.integer)) })
    return result
  }

  /// Fields that hold where a method has them and nothing else is said.
  static func implied(_ arguments: Arguments) throws(CommandError) -> [JSON.Member] {
    var result: [JSON.Member] = [.init("lora_alpha", .integer(16))]
    if let steps = try arguments.integer("steps") {
      result.append(.init("total_step", .integer(steps)))
    }
    // A budget needs something to take away from: half as many again, as PEFT's defaults are.
    if let rank = try arguments.integer("rank") {
      result.append(.init("init_r", .integer(rank + (rank + 1) / 2)))
    }
    return result
  }

  /// The fields of `--set`: values as JSON, or else as a string.
  static func set(_ arguments: Arguments) throws(CommandError) -> [JSON.Member] {
    var result: [JSON.Member] = []
    for text in arguments.texts("set") {
      guard let sign = text.firstIndex(of: "="), sign > text.startIndex else {
        throw .invalidValue(option: "set", value: text, expected: "NAME=VALUE")
      }
      let (name, value) = (String(text[..<sign]), String(text[text.index(after: sign)...]))
      if result.contains(where: { $0.name == name }) { throw .repeated(option: "set \(name)") }
      result.append(.init(name, (try? JSON(parsing: Array(value.utf8))) ?? .string(value)))
    }
    return result
  }

  /// PyTorch's start is what files call true, and random numbers on both sides false.
  private static func start(_ name: String) -> JSON {
    switch name {
    case "kaiming": .bool(true)
    case "random": .bool(false)
    default: .string(name)
    }
  }

  private static func names(_ words: [String]) -> JSON { .array(words.map(JSON.string)) }

  private static func patterns(
    _ arguments: Arguments, _ name: String, _ read: (Substring) -> JSON?
  ) throws(CommandError) -> JSON? {
    guard let words = arguments.list(name) else { return nil }
    var members: [JSON.Member] = []
    for word in words {
      guard let sign = word.lastIndex(of: "="), let value = read(word[word.index(after: sign)...])
      else { throw arguments.invalid(name, expected: "PATTERN=NUMBER between commas") }
      members.append(.init(String(word[..<sign]), value))
    }
    return .object(members)
  }

  private static func layers(_ arguments: Arguments) throws(CommandError) -> JSON? {
    guard let words = arguments.list("layers") else { return nil }
    let numbers = words.compactMap { Int($0) }
    guard numbers.count == words.count, numbers.allSatisfy({ $0 >= 0 }) else {
      throw arguments.invalid("layers", expected: "numbers between commas")
    }
    return .array(numbers.map(JSON.integer))
  }

  private static func excluded(_ arguments: Arguments) throws(CommandError) -> JSON? {
    if let text = arguments.string("exclude"), ["attention", "all-linear"].contains(text) {
      throw arguments.invalid("exclude", expected: "names of modules or a regular expression")
    }
    return targets(arguments, "exclude")
  }

  /// A word with a sign that no name of a module has is a regular expression; `attention` is what files leave open.
  private static func targets(_ arguments: Arguments, _ name: String) -> JSON? {
    guard let text = arguments.string(name) else { return nil }
    switch text {
    case "attention": return .null
    case "all-linear": return .string(text)
    case _ where text.contains(where: { "*+?()[]{}|^$\\".contains($0) }): return .string(text)
    default: return names(arguments.list(name) ?? [])
    }
  }
}
