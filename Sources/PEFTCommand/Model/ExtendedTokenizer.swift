import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON
import PEFTTokenizers
import PEFTTransformer

/// A tokenizer that knows more tokens than that of the base, which is kept beside an adapter.
struct ExtendedTokenizer {
  /// Knows all of them.
  let tokenizer: Tokenizer
  /// The ids of those that were asked for.
  let ids: [Int32]
  /// Its tokenizer.json.
  private let text: [UInt8]
  /// The adapter that it stands beside; nil for one that is made.
  private let folder: String?

  /// What a tokenizer may consist of.
  static let files = [
    file, "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt",
    "vocab.bpe", "vocab.txt", "tokenizer.model", "added_tokens.json", "chat_template.jinja",
  ]

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
    (ids, text, self.folder) = (addition.ids, Array(addition.text.utf8), nil)
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
    (self.tokenizer, ids, text, self.folder) = (tokenizer, [], Array(data), folder)
  }

  /// Its files that are written.
  var written: [String] {
    folder.map { ModelFolder.tokenizerFiles(in: $0).filter(Self.files.contains) } ?? [Self.file]
  }

  /// Writes its tokenizer.json over that of the base, and what else stands beside an adapter, as its chat template.
  func write(to output: String) throws {
    if let folder {
      try ModelFolder.copyTokenizer(from: folder, to: output, only: Self.files)
    } else {
      try atomicallyWrite(text, to: "\(output)/\(Self.file)")
    }
  }

  /// How many tokens it has more than a model has rows.
  func count(beyond base: String) throws -> Int {
    let size = try ConfigurationFile(path: "\(base)/config.json").value("vocab_size")?.integer
    return size.map { max(0, tokenizer.vocabularySize - $0) } ?? 0
  }

  private static let file = "tokenizer.json"
}

extension ExtendedTokenizer {
  /// Whether `--modules-to-save` names the table of embeddings.
  private static func trainsTable(_ arguments: Arguments) -> Bool {
    let names = arguments.list("modules-to-save") ?? []
    let last = names.compactMap { $0.split(separator: ".").last }
    return last.contains("embed_tokens") || last.contains("wte")
  }

  /// Warns where the head has rows of its own for the added tokens, which stay as they were made.
  static func checkHead(_ folder: ModelFolder, _ arguments: Arguments) {
    let configuration = folder.model.configuration
    let changed = ["modules-to-save", "targets"].flatMap { arguments.list($0) ?? [] }
    if configuration.hasTiedHead || changed.contains(configuration.names.head) { return }
    Console.error(
      "peft: warning: the head of \(folder.path) is not its table of embeddings: added tokens are "
        + "learned where they are read, but the model has no reason to write one sooner than another; "
        + "--modules-to-save \(configuration.names.head) trains the head as well")
  }

  /// Puts ids in place of the texts of `--trainable-tokens`; without the option those of the added tokens, where their table is not trained as a whole.
  ///
  /// - Parameters:
  ///   - arguments: of a training.
  ///   - added: the tokens of `--add-tokens`; nil without them.
  /// - Throws: `CommandError` for what is no token, and for a method that trains no rows.
  static func resolve(_ arguments: inout Arguments, _ added: ExtendedTokenizer?) throws {
    let name = "trainable-tokens"
    guard let words = arguments.list(name) else {
      let method = arguments.string("method") ?? "lora"
      // A wrong name is for whoever reads the method.
      guard let added, AdapterChoice.names.contains(method), !trainsTable(arguments) else {
        return
      }
      let type = AdapterPreset.named(method)?.type ?? method
      guard ["lora", "trainable-tokens"].contains(type.lowercased()) else {
        throw CommandError.invalidMethod(
          "the method \(method) would not train the rows of --add-tokens; name the table of "
            + "embeddings in --modules-to-save, or take lora, trainable-tokens or full")
      }
      try arguments.fill(name, added.ids.map(String.init).joined(separator: ","))
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
