import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON
import PEFTTokenizers

/// A tokenizer that knows more tokens than that of the base, which is kept beside an adapter.
struct ExtendedTokenizer {
  /// Knows all of them.
  let tokenizer: Tokenizer
  /// The ids of those that were asked for.
  let ids: [Int32]
  /// Its tokenizer.json.
  private let text: [UInt8]

  /// The options of a training that concern single tokens.
  static let options: [Option] = [
    Option(
      "add-tokens", "LIST",
      "Texts between commas that become tokens; the tokenizer that knows them is written beside the adapter."
    ),
    Option(
      "trainable-tokens", "LIST", default: "those of --add-tokens",
      "Tokens whose rows in the table of embeddings are trained and saved alone: texts or ids between commas."
    ),
  ]

  /// That of a model folder with the tokens of `--add-tokens`; nil without them.
  init?(_ arguments: Arguments) throws {
    guard let tokens = arguments.list("add-tokens") else { return nil }
    guard !tokens.isEmpty, !arguments.has("adapter") else {
      if tokens.isEmpty { throw arguments.invalid("add-tokens", expected: "texts between commas") }
      throw CommandError.conflict("adapter", "add-tokens")
    }
    let base = try ModelFolder.path(arguments)
    try ModelFolder.requireModel(base)
    guard FileManager.default.fileExists(atPath: "\(base)/\(Self.file)") else {
      throw CommandError.unusable(
        path: base,
        reason: "has no \(Self.file), which --add-tokens writes anew; save one with Transformers")
    }
    let addition = try Tokenizer.adding(tokens, to: "\(base)/\(Self.file)")
    (ids, text) = (addition.ids, Array(addition.text.utf8))
    // Its settings and chat template stand in files beside it.
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "peft-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try makeFolder(folder)
    try ModelFolder.copyTokenizer(from: base, to: folder)
    try atomicallyWrite(text, to: "\(folder)/\(Self.file)")
    tokenizer = try Tokenizer(folder: folder)
  }

  /// That of an adapter folder; nil where there is none that can be read, or none with more tokens than the base's.
  ///
  /// Other programs leave their tokenizers beside adapters too, which then say nothing new.
  init?(adapter folder: String, base: Tokenizer) {
    guard let data = FileManager.default.contents(atPath: "\(folder)/\(Self.file)"),
      let tokenizer = try? Tokenizer(folder: folder),
      tokenizer.vocabularySize > base.vocabularySize
    else { return nil }
    (self.tokenizer, ids, text) = (tokenizer, [], Array(data))
  }

  /// Writes its tokenizer.json.
  func write(to folder: String) throws { try atomicallyWrite(text, to: "\(folder)/\(Self.file)") }

  /// How many tokens it has more than a model has rows.
  func count(beyond base: String) throws -> Int {
    let size = try ConfigurationFile(path: "\(base)/config.json").value("vocab_size")?.integer
    return size.map { max(0, tokenizer.vocabularySize - $0) } ?? 0
  }

  private static let file = "tokenizer.json"
}

extension ExtendedTokenizer {
  /// Puts ids in place of the texts of `--trainable-tokens`; without the option those of the added tokens, where the method can train rows.
  static func resolve(_ arguments: inout Arguments, _ added: ExtendedTokenizer?) throws {
    let name = "trainable-tokens"
    guard let words = arguments.list(name) else {
      let method = arguments.string("method") ?? "lora"
      let type = AdapterPreset.named(method)?.type ?? method
      let canTrain = ["lora", "trainable-tokens"].contains(type.lowercased())
      if let added, canTrain, !arguments.has("modules-to-save") {
        try arguments.fill(name, added.ids.map(String.init).joined(separator: ","))
      }
      return
    }
    let path = try ModelFolder.path(arguments)
    let tokenizer = try added?.tokenizer ?? Tokenizer(folder: path)
    let ids = try words.map { word in
      guard let id = Int32(word) ?? tokenizer.id(of: word), id >= 0 else {
        throw CommandError.invalidValue(
          option: name, value: word,
          expected: "a token of \(path), or of --add-tokens, or the id of one")
      }
      return id
    }
    try arguments.fill(name, ids.map(String.init).joined(separator: ","))
  }
}
