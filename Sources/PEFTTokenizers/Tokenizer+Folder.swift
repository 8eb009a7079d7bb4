extension Tokenizer {
  /// Reads the tokenizer of a model folder.
  ///
  /// That is its tokenizer.json; where there is none, its vocab.txt (BERT), or its vocab.json with merges.txt
  /// or vocab.bpe (GPT-2, RoBERTa, Qwen2), with the settings of its tokenizer_config.json.
  ///
  /// - Parameter folder: the path of the folder.
  /// - Throws: `TokenizerError` naming the file and the place in it.
  public init(folder: String) throws(TokenizerError) {
    let base = folder.hasSuffix("/") ? folder : folder + "/"
    try self.init(base: base)
    chatSettings = try ChatSettings(folder: base)
  }

  private init(base: String) throws(TokenizerError) {
    if FileBytes.exists(base + "tokenizer.json") {
      try self.init(file: base + "tokenizer.json")
      return
    }
    let settings = try TokenizerSettings(folder: base)
    if FileBytes.exists(base + "vocab.txt") {
      try self.init(wordPieces: base + "vocab.txt", settings)
      return
    }
    let vocabulary = base + "vocab.json"
    let merges = [base + "merges.txt", base + "vocab.bpe"].first(where: FileBytes.exists)
    guard let merges, FileBytes.exists(vocabulary) else {
      throw .nothingFound(
        folder: base,
        expected: ["tokenizer.json", "vocab.txt", "vocab.json with merges.txt or vocab.bpe"])
    }
    let added = base + "added_tokens.json"
    if FileBytes.exists(added), settings.addedTokens.isEmpty {
      throw .unsupported(
        path: added, field: "the file", found: "beside a vocab.json",
        known: ["tokenizer.json", "added_tokens_decoder in tokenizer_config.json"])
    }
    try self.init(byteLevel: try BPE(vocabularyFile: vocabulary, mergesFile: merges), settings)
  }

  /// The tokenizer of BERT around the tokens of a vocab.txt.
  private init(wordPieces path: String, _ settings: TokenizerSettings) throws(TokenizerError) {
    try settings.require(class: [
      "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer",
    ])
    let vocabulary = try Vocabulary(linesOf: path)
    let special = [
      ("unk_token", "[UNK]"), ("sep_token", "[SEP]"), ("pad_token", "[PAD]"),
      ("cls_token", "[CLS]"), ("mask_token", "[MASK]"),
    ].map { ($0.0, settings.specials[$0.0]?.content ?? $0.1) }
    var processor = PostProcessor()
    processor.setBERT(
      start: try vocabulary.requiredID(of: special[3].1, file: path),
      separator: try vocabulary.requiredID(of: special[1].1, file: path))
    let lowers = settings.lowers ?? true
    self.init(
      model: try WordPiece(
        vocabulary, unknown: special[0].1, prefix: "##", file: path, field: "the file"),
      normalizer: BertNormalizer(
        cleans: true, setsChineseApart: settings.setsChineseApart ?? true,
        stripsAccents: settings.stripsAccents ?? lowers, lowers: lowers),
      preTokenizer: BertPreTokenizer(), postProcessor: processor, decoder: WordPieceDecoder(),
      addedTokens: try settings.added(special.map(\.1), to: vocabulary))
  }

  /// A byte-level tokenizer around the tokens of a vocab.json.
  private init(byteLevel model: BPE, _ settings: TokenizerSettings) throws(TokenizerError) {
    let name = try settings.require(class: [
      "GPT2Tokenizer", "RobertaTokenizer", "Qwen2Tokenizer",
    ])
    let addsPrefixSpace = settings.addsPrefixSpace ?? false
    if name == "Qwen2Tokenizer" {
      self.init(
        model: model, normalizer: NormalForm(isCompatibility: false, composes: true),
        preTokenizer: SequencePreTokenizer([
          SplitPreTokenizer(.qwen2),
          ByteLevelPreTokenizer(addsPrefixSpace: addsPrefixSpace, usesPattern: false),
        ]),
        decoder: ByteLevelDecoder(),
        addedTokens: try settings.added(
          ["<|endoftext|>"], isRequired: false, to: model.vocabulary))
      return
    }
    var special = [settings.specials["eos_token"]?.content ?? "<|endoftext|>"]
    var processor: PostProcessor?
    if name == "RobertaTokenizer" {
      special = [
        ("bos_token", "<s>"), ("pad_token", "<pad>"), ("eos_token", "</s>"),
        ("unk_token", "<unk>"), ("mask_token", "<mask>"),
      ].map { settings.specials[$0.0]?.content ?? $0.1 }
      var template = PostProcessor()
      template.setRoBERTa(
        start: try model.vocabulary.requiredID(of: special[0], file: settings.file),
        separator: try model.vocabulary.requiredID(of: special[2], file: settings.file))
      template.trimming = PostProcessor.Trimming(addsPrefixSpace: addsPrefixSpace)
      processor = template
    }
    self.init(
      model: model, preTokenizer: ByteLevelPreTokenizer(addsPrefixSpace: addsPrefixSpace),
      postProcessor: processor, decoder: ByteLevelDecoder(),
      addedTokens: try settings.added(
        special, isRequired: false, stripping: name == "RobertaTokenizer" ? special[4] : nil,
        to: model.vocabulary))
  }
}

extension Vocabulary {
  /// The id of a token that must be there.
  fileprivate func requiredID(of token: String, file: String) throws(TokenizerError) -> Int32 {
    guard let id = id(of: Array(token.utf8)) else {
      throw .unknownToken(path: file, field: "a special token", token: token)
    }
    return id
  }
}
