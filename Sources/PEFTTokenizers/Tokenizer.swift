/// A Hugging Face tokenizer: text to ids and back, exactly as the Python library `tokenizers` does it.
///
/// Read from a tokenizer.json, from a vocab.txt, or from the vocab.json and merges.txt of a byte-level BPE
/// model. A component or a setting that is not known here and would change the result is an error.
public struct Tokenizer: Sendable {
  let normalizer: (any Normalizer)?
  let preTokenizer: (any PreTokenizer)?
  let model: any TokenizerModel
  let postProcessor: PostProcessor?
  /// The decoders in the state for the start of a text.
  let decoders: [any Decoder]
  let addedTokens: AddedTokens
  /// How the file says encodings are to be cut, or nil.
  ///
  /// Nothing is cut unless it is handed to `encoding(of:pair:addSpecialTokens:truncation:)`.
  public let truncation: Truncation?
  /// How the file says encodings are to be padded, or nil.
  ///
  /// Nothing is padded unless it is handed to `encodings(of:addSpecialTokens:truncation:padding:)`.
  public let padding: Padding?
  /// The chat template of the folder, and the tokens it names.
  var chatSettings = ChatSettings()

  /// Reads a tokenizer.json.
  ///
  /// - Parameter file: the path of the file.
  /// - Throws: `TokenizerError` naming the place in the file.
  public init(file: String) throws(TokenizerError) {
    var object = try ObjectReader(try Field(contentsOf: file))
    _ = object.optional("version")
    // Written out: `map` does not pass on which error a closure throws.
    if let field = object.optional("truncation") {
      truncation = try Truncation(reading: field)
    } else {
      truncation = nil
    }
    if let field = object.optional("padding") {
      padding = try Padding(reading: field)
    } else {
      padding = nil
    }
    model = try TokenizerModels.read(try object.required("model"))
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
      postProcessor = try PostProcessor(reading: field)
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

  /// Puts a tokenizer together that no tokenizer.json describes.
  init(
    model: any TokenizerModel, normalizer: (any Normalizer)? = nil,
    preTokenizer: any PreTokenizer, postProcessor: PostProcessor? = nil,
    decoder: any Decoder, addedTokens: [AddedTokens.Token]
  ) {
    self.model = model
    self.normalizer = normalizer
    self.preTokenizer = preTokenizer
    self.postProcessor = postProcessor
    decoders = [decoder]
    self.addedTokens = AddedTokens(addedTokens, normalizer: normalizer)
    truncation = nil
    padding = nil
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
