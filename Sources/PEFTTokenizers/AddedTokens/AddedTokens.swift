/// Tokens that are looked for in the text before the model sees it.
struct AddedTokens: Sendable {
  /// One such token.
  struct Token: Sendable {
    /// The id.
    var id: Int32
    /// The text as the file has it.
    var content: String
    /// The text that is looked for and that decoding gives: the content, normalised where asked for.
    var pattern: [UInt8]
    /// Whether letters and digits beside it keep it from being found.
    var isSingleWord = false
    /// Whether white space before it belongs to it.
    var stripsLeft = false
    /// Whether white space after it belongs to it.
    var stripsRight = false
    /// Whether it is looked for in the normalised text.
    var isNormalized = false
    /// Whether decoding may leave it out.
    var isSpecial = false
  }

  /// The tokens by their ids.
  private(set) var tokens: [Int32: Token] = [:]
  private var ids: [[UInt8]: Int32] = [:]
  /// The range of their ids, by which most ids are told from them without a look-up.
  private var span = Int32.max...Int32.max
  /// What is looked for in the text as it is.
  let plain: AddedTokenMatcher
  /// What is looked for in the normalised text.
  let normalized: AddedTokenMatcher

  /// Prepares the search for `list`, in this order where two could be found at the same place.
  init(_ list: [Token], normalizer: (any Normalizer)?) {
    // Special tokens win over others with the same pattern.
    let ordered = list.filter(\.isSpecial) + list.filter { !$0.isSpecial }
    var plain: [Token] = []
    var normalized: [Token] = []
    let specials = Set(list.filter(\.isSpecial).map { Array($0.content.utf8) })
    for var token in ordered {
      if token.isNormalized {
        var text = Text(token.pattern)
        normalizer?.normalize(&text)
        token.pattern = text.bytes
      }
      // The reference knows a special token by its spelling, so one that normalising respells is none.
      token.isSpecial = specials.contains(token.pattern)
      tokens[token.id] = token
      ids[Array(token.content.utf8)] = token.id
      let upper = span.lowerBound == .max ? token.id : max(span.upperBound, token.id)
      span = min(span.lowerBound, token.id)...upper
      if token.isNormalized { normalized.append(token) } else { plain.append(token) }
    }
    self.plain = AddedTokenMatcher(plain)
    self.normalized = AddedTokenMatcher(normalized)
  }

  /// The added token with an id, or nil where it is none.
  subscript(id: Int32) -> Token? { span.contains(id) ? tokens[id] : nil }

  /// The id of an added token.
  func id(of content: String) -> Int32? { ids[Array(content.utf8)] }
}

extension AddedTokens.Token {
  /// Reads an element of `added_tokens`.
  init(reading field: Field) throws(TokenizerError) {
    var object = try ObjectReader(field)
    id = try object.required("id").id()
    content = try object.required("content").string()
    pattern = Array(content.utf8)
    isSingleWord = try object.bool("single_word")
    stripsLeft = try object.bool("lstrip")
    stripsRight = try object.bool("rstrip")
    isNormalized = try object.bool("normalized")
    isSpecial = try object.bool("special")
    try object.finish()
  }
}
