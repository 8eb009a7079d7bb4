/// A Hugging Face tokenizer: text to ids and back, exactly as the Python library `tokenizers` does it.
///
/// Read from a tokenizer.json, or from the vocab.json and merges.txt of a byte-level BPE model. A
/// component or a setting that is not known here and would change the result is an error.
public struct Tokenizer: Sendable {
  let normalizer: (any Normalizer)?
  let preTokenizer: (any PreTokenizer)?
  let model: any TokenizerModel
  let postProcessor: (any PostProcessor)?
  /// The decoders in the state for the start of a text.
  let decoders: [any Decoder]
  let addedTokens: AddedTokens

  /// Reads the tokenizer of a model folder.
  ///
  /// That is its tokenizer.json; where there is none, its vocab.json with merges.txt or vocab.bpe.
  ///
  /// - Parameter folder: the path of the folder.
  /// - Throws: `TokenizerError` naming the file and the place in it.
  public init(folder: String) throws(TokenizerError) {
    let base = folder.hasSuffix("/") ? folder : folder + "/"
    if FileBytes.exists(base + "tokenizer.json") {
      try self.init(file: base + "tokenizer.json")
      return
    }
    let vocabulary = base + "vocab.json"
    let merges = [base + "merges.txt", base + "vocab.bpe"].first(where: FileBytes.exists)
    guard let merges, FileBytes.exists(vocabulary) else {
      throw .nothingFound(
        folder: folder, expected: ["tokenizer.json", "vocab.json with merges.txt or vocab.bpe"])
    }
    let added = base + "added_tokens.json"
    if FileBytes.exists(added) {
      throw .unsupported(
        path: added, field: "the file", found: "beside a vocab.json", known: ["tokenizer.json"])
    }
    self.init(byteLevel: try BPE(vocabularyFile: vocabulary, mergesFile: merges))
  }

  /// Reads a tokenizer.json.
  ///
  /// - Parameter file: the path of the file.
  /// - Throws: `TokenizerError` naming the place in the file.
  public init(file: String) throws(TokenizerError) {
    var object = try ObjectReader(try Field(contentsOf: file))
    _ = object.optional("version")
    try object.refuse("truncation")
    try object.refuse("padding")
    model = try TokenizerModels.read(try object.required("model"))
    // Written out: `map` does not pass on which error a closure throws.
    if let field = object.optional("normalizer") {
      normalizer = try Normalizers.read(field)
    } else {
      normalizer = nil
    }
    if let field = object.optional("pre_tokenizer") {
      preTokenizer = try PreTokenizers.read(field)
    } else {
      preTokenizer = nil
    }
    if let field = object.optional("post_processor") {
      postProcessor = try PostProcessors.read(field)
    } else {
      postProcessor = nil
    }
    if let field = object.optional("decoder") {
      decoders = try Decoders.read(field)
    } else {
      decoders = [SpaceJoinDecoder()]
    }
    let added = try AddedTokens.read(
      object.optional("added_tokens"), vocabulary: model.vocabulary)
    addedTokens = AddedTokens(added, normalizer: normalizer)
    try object.finish()
  }

  /// The tokenizer of GPT-2 around a model: its `<|endoftext|>`, where the model has it, is special.
  private init(byteLevel model: BPE) {
    self.model = model
    normalizer = nil
    preTokenizer = ByteLevelPreTokenizer()
    postProcessor = nil
    decoders = [ByteLevelDecoder()]
    let content = "<|endoftext|>"
    let end = model.vocabulary.id(of: Array(content.utf8)).map {
      AddedTokens.Token(id: $0, content: content, pattern: Array(content.utf8), isSpecial: true)
    }
    addedTokens = AddedTokens(end.map { [$0] } ?? [], normalizer: nil)
  }

  /// How many tokens there are, added ones included.
  public var vocabularySize: Int {
    model.vocabulary.count
      + addedTokens.tokens.keys.count { model.vocabulary.bytes(of: $0) == nil }
  }

  /// The token with an id, spelled as in the vocabulary, or nil where there is none.
  ///
  /// An added token that is looked for in normalised text is spelled in its normalised form.
  public func token(_ id: Int32) -> String? {
    addedTokens[id].map { String(decoding: $0.pattern, as: UTF8.self) }
      ?? model.vocabulary.token(id)
  }

  /// The id of a token spelled as in the vocabulary, or nil where there is none.
  public func id(of token: String) -> Int32? {
    addedTokens.id(of: token) ?? model.vocabulary.id(of: Array(token.utf8))
  }
}
