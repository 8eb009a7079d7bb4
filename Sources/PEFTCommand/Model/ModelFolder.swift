import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTDefaultModel
import PEFTJSON
import PEFTTensor
import PEFTTokenizers
import PEFTTransformer

/// A model with its tokenizer and the ids of the tokens around a text.
struct ModelFolder {
  /// Where it was loaded from.
  let path: String
  /// The model, all of it frozen.
  let model: CausalLM
  /// Its tokenizer.
  let tokenizer: Tokenizer
  /// The token before a text; nil where the model has none.
  let beginning: Int32?
  /// The tokens that end a text.
  let endings: [Int32]

  /// Loads the folder that `--model` names, or the built-in model.
  init(_ arguments: Arguments) throws { try self.init(Self.path(arguments)) }

  /// Loads a folder.
  init(_ path: String) throws {
    self.path = path
    model = try CausalLM(directory: path)
    tokenizer = try Tokenizer(folder: path)
    let file = try ConfigurationFile(path: "\(path)/config.json")
    beginning = try Self.tokens(file, "bos_token_id").first
    endings = try Self.tokens(file, "eos_token_id")
    let largest = ([beginning].compactMap { $0 } + endings).max() ?? 0
    guard largest < model.configuration.vocabularySize else {
      throw CommandError.unusable(
        path: file.path, reason: "token \(largest) is outside the vocabulary")
    }
    guard tokenizer.vocabularySize <= model.configuration.vocabularySize else {
      throw CommandError.unusable(
        path: path,
        reason: "the tokenizer has \(tokenizer.vocabularySize) tokens, the model only "
          + "\(model.configuration.vocabularySize)")
    }
  }

  /// The folder that `--model` names, or that of the built-in model.
  static func path(_ arguments: Arguments) throws -> String {
    try arguments.string("model") ?? builtInPath()
  }

  /// The folder of the built-in model.
  static func builtInPath() throws(CommandError) -> String {
    guard let folder = DefaultModel.folder else {
      throw CommandError.unusable(
        path: "the built-in model", reason: "is not installed beside the program; give --model")
    }
    return folder.path
  }

  /// Attaches the adapter that `--adapter` names, if there is one.
  func attachAdapter(_ arguments: Arguments) throws {
    if let folder = arguments.string("adapter") { try model.loadAdapter(folder) }
  }

  /// The tokens of a text from its beginning on, without an ending.
  func encode(_ text: String) -> [Int32] {
    (beginning.map { [$0] } ?? []) + tokenizer.encode(text, addSpecialTokens: false)
  }

  /// Copies what is not weights or `config.json` to another folder, so that it can be loaded alone.
  func copyTokenizer(to folder: String) throws {
    let names = [
      "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json",
      "merges.txt", "vocab.bpe", "tokenizer.model", "generation_config.json",
    ]
    for name in names where FileManager.default.fileExists(atPath: "\(path)/\(name)") {
      let target = "\(folder)/\(name)"
      if FileManager.default.fileExists(atPath: target) {
        try FileManager.default.removeItem(atPath: target)
      }
      try FileManager.default.copyItem(atPath: "\(path)/\(name)", toPath: target)
    }
  }

  private static func tokens(_ file: ConfigurationFile, _ field: String) throws -> [Int32] {
    guard let value = file.value(field) else { return [] }
    let numbers =
      value.elements.map { $0.compactMap(\.integer) } ?? [value.integer].compactMap { $0 }
    let tokens = numbers.compactMap { Int32(exactly: $0) }.filter { $0 >= 0 }
    guard !tokens.isEmpty, tokens.count == value.elements?.count ?? 1 else {
      throw CommandError.unusable(
        path: file.path, reason: "\"\(field)\" is no token id or list of them")
    }
    return tokens
  }
}

extension CausalLM {
  /// How many parameters the model has without adapters.
  var baseParameterCount: Int {
    walk(includingAdapters: false).parameters.reduce(0) { $0 + $1.parameter.count }
  }
}
