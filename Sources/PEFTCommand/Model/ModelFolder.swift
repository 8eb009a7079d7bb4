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
  /// The tokenizer where it knows more tokens than that of the folder; nil where it does not.
  let extended: ExtendedTokenizer?
  /// The token before a text; nil where the model has none.
  let beginning: Int32?
  /// The tokens that end a text.
  let endings: [Int32]

  /// Loads the folder that `--model` names, or the built-in model, and keeps its weights as `--precision` says.
  ///
  /// - Parameters:
  ///   - arguments: of a command that has both options.
  ///   - precision: where `--precision` is not given.
  ///   - extended: with the tokens that are added; nil for those that an adapter has beside it.
  /// - Throws: errors of files and options.
  init(
    _ arguments: Arguments, precision: Precision? = nil, extended: ExtendedTokenizer? = nil
  ) throws {
    let chosen = try arguments.choice("precision", Precision.self)
    try self.init(
      Self.path(arguments), precision: chosen ?? precision, extended: extended,
      adapter: arguments.string("adapter"))
  }

  /// Loads a folder.
  init(
    _ path: String, precision: Precision? = nil, extended: ExtendedTokenizer? = nil,
    adapter: String? = nil
  ) throws {
    self.path = path
    try Self.requireModel(path)
    let own = try Tokenizer(folder: path)
    self.extended =
      extended ?? adapter.flatMap { ExtendedTokenizer(adapter: $0, base: own) }
    tokenizer = self.extended?.tokenizer ?? own
    // An adapter that cannot be read is for whoever loads it.
    let rows = adapter.flatMap { try? AdaptedBase.addedTokens(path, adapter: $0) } ?? 0
    model = try CausalLM(
      directory: path, addedTokens: max(rows, self.extended?.count(beyond: path) ?? 0),
      precision: precision)
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
    if let folder = arguments.string("adapter") {
      try loadAdapter(folder, mode: Self.mode(arguments))
    }
  }

  /// Loads an adapter onto the model.
  func loadAdapter(
    _ folder: String, isTrainable: Bool = false, mode: LoadingMode = .strict
  ) throws {
    try Self.requireAdapter(folder)
    try Self.dividePositions(of: model, for: folder)
    if AdaptedBase.isMLX(folder) {
      try model.loadMLXAdapter(folder, isTrainable: isTrainable)
      return
    }
    try Self.loadAdapter(folder, onto: model, isTrainable: isTrainable, mode: mode)
  }

  /// Loads an adapter in PEFT's form onto a model of whatever task, and says what a lenient load passed over.
  static func loadAdapter(
    _ folder: String, onto model: some AdapterHost, isTrainable: Bool = false,
    mode: LoadingMode = .strict
  ) throws {
    try requireAdapter(folder)
    let adapter = try model.loadAdapter(folder, isTrainable: isTrainable, mode: mode)
    if !adapter.loadingReport.isEmpty {
      Console.error("peft: warning: \(folder): \(adapter.loadingReport)")
    }
  }

  /// How adapters are read, by `--lenient`.
  static func mode(_ arguments: Arguments) -> LoadingMode {
    arguments.isOn("lenient") ? .lenient : .strict
  }

  /// Positions that were divided for the training have to be for everything else.
  static func dividePositions(of model: any PretrainedModel, for folder: String) throws {
    guard let model = model as? CausalLM else { return }
    let settings = try? ConfigurationFile(path: "\(folder)/adapter_config.json")
    if let factor = settings?.value("longlora")?["position_factor"]?.number, factor > 0 {
      try model.divideRotaryPositions(by: factor)
    }
  }

  /// Says what stands in the place of an adapter folder.
  static func requireAdapter(_ folder: String) throws {
    try refusePickleFile(folder)
    try refusePickle(folder)
    let files = FileManager.default
    if !files.fileExists(atPath: "\(folder)/adapter_config.json"),
      files.fileExists(atPath: "\(folder)/config.json")
    {
      throw CommandError.unusable(
        path: folder, reason: "is a model folder, where --adapter expects an adapter folder")
    }
  }

  /// Says what to do with a file of PyTorch or loralib, which stands in the place of a folder.
  static func refusePickleFile(_ path: String) throws(CommandError) {
    let isPickle = [".bin", ".pt", ".pth", ".pkl", ".ckpt"].contains { path.hasSuffix($0) }
    var isFolder: ObjCBool = false
    guard isPickle, FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
      !isFolder.boolValue
    else { return }
    throw .unusable(
      path: path,
      reason:
        "is not opened: pickles, as those of PyTorch and loralib, can run any code; load it in Python and save "
        + "the adapter with PEFT, or the tensors as safetensors")
  }

  /// The tokens of a text from its beginning on, without an ending.
  func encode(_ text: String) -> [Int32] {
    (beginning.map { [$0] } ?? []) + tokenizer.encode(text, addSpecialTokens: false)
  }

  /// The tokenizer beside an adapter where it knows more tokens than that of the base, if there is any; nil where it does not.
  static func extendedTokenizer(_ adapter: String, base: String) -> ExtendedTokenizer? {
    guard let tokenizer = try? Tokenizer(folder: base) else { return nil }
    return ExtendedTokenizer(adapter: adapter, base: tokenizer)
  }

  /// The files that may stand beside the weights and `config.json` and belong to them.
  static let tokenizerFiles =
    ExtendedTokenizer.files + [
      "generation_config.json", "preprocessor_config.json", "modules.json",
      "sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling/config.json",
    ]

  /// What is written where this model is saved.
  var content: OutputFolder.Content {
    .model(tokenizer: Self.tokenizerFiles(in: path) + (extended?.written ?? []))
  }

  /// The files of a folder that belong to its weights.
  static func tokenizerFiles(in path: String) -> [String] {
    tokenizerFiles.filter { FileManager.default.fileExists(atPath: "\(path)/\($0)") }
  }

  /// Copies what is not weights or `config.json` to another folder, so that it can be loaded alone.
  func copyTokenizer(to folder: String) throws {
    try Self.copyTokenizer(from: path, to: folder)
    try extended?.write(to: folder)
  }

  /// Copies the files of a tokenizer.
  static func copyTokenizer(
    from path: String, to folder: String, only names: [String] = tokenizerFiles
  ) throws(CheckpointError) {
    for name in tokenizerFiles(in: path) where names.contains(name) {
      let copy = "\(folder)/\(name)"
      try makeFolder(URL(fileURLWithPath: copy).deletingLastPathComponent().path)
      try atomicallyCopy("\(path)/\(name)", to: copy)
    }
  }

  /// Says what stands in the place of a model folder, where the missing file alone would not.
  static func requireModel(_ path: String) throws(CommandError) {
    let files = FileManager.default
    if files.fileExists(atPath: "\(path)/config.json") { return }
    if files.fileExists(atPath: "\(path)/adapter_config.json") {
      throw .unusable(
        path: path,
        reason: "is an adapter folder, where --model expects a model folder; give it as --adapter")
    }
    var isFolder: ObjCBool = false
    if files.fileExists(atPath: path, isDirectory: &isFolder) {
      throw .unusable(
        path: path,
        reason: isFolder.boolValue
          ? "holds no config.json, so it is no model folder"
          : "is a file, where --model expects a model folder")
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

extension Module {
  /// How many parameters the model has without adapters.
  var baseParameterCount: Int {
    walk(includingAdapters: false).parameters.reduce(0) { $0 + $1.parameter.count }
  }
}
