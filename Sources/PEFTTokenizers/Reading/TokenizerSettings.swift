import PEFTJSON

/// What a tokenizer_config.json says about a tokenizer that no tokenizer.json describes.
///
/// The file holds much that is not for us, so members that are not known are passed over.
struct TokenizerSettings: Sendable {
  /// The path of the file.
  let file: String
  /// The name of the class in Transformers.
  private let name: String?
  /// Whether text is lowered.
  let lowers: Bool?
  /// Whether accents are stripped.
  let stripsAccents: Bool?
  /// Whether Chinese characters are set apart.
  let setsChineseApart: Bool?
  /// Whether a space is put in front.
  let addsPrefixSpace: Bool?
  /// The special tokens by what they are for.
  private(set) var specials: [String: AddedTokens.Token] = [:]
  /// The tokens of `added_tokens_decoder`, in the order of their ids.
  private(set) var addedTokens: [AddedTokens.Token] = []

  /// Reads the file in a folder; where there is none, nothing is set.
  init(folder: String) throws(TokenizerError) {
    file = folder + "tokenizer_config.json"
    let empty = Field(.object([]), file: file, name: "")
    var object = try ObjectReader(FileBytes.exists(file) ? try Field(contentsOf: file) : empty)
    name = try object.optional("tokenizer_class")?.string()
    lowers = try object.optional("do_lower_case")?.bool()
    stripsAccents = try object.optional("strip_accents")?.bool()
    setsChineseApart = try object.optional("tokenize_chinese_chars")?.bool()
    addsPrefixSpace = try object.optional("add_prefix_space")?.bool()
    for role in Self.roles {
      guard let field = object.optional(role) else { continue }
      specials[role] = try Self.token(reading: field, id: 0)
    }
    guard let field = object.optional("added_tokens_decoder") else { return }
    for member in field.json.members ?? [] {
      let value = Field(member.value, file: file, name: "\(field.name).\(member.name)")
      guard let id = Int32(member.name), id >= 0 else {
        throw value.invalid(expected: "named by an id")
      }
      addedTokens.append(try Self.token(reading: value, id: id))
    }
    addedTokens.sort { $0.id < $1.id }
  }

  private static let roles = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  /// A token as a string or as an object that says how it is looked for.
  private static func token(
    reading field: Field, id: Int32
  ) throws(TokenizerError) -> AddedTokens.Token {
    if field.json.members == nil {
      let content = try field.string()
      return AddedTokens.Token(id: id, content: content, pattern: Array(content.utf8))
    }
    var object = try ObjectReader(field)
    let content = try object.required("content").string()
    var token = AddedTokens.Token(id: id, content: content, pattern: Array(content.utf8))
    token.isSingleWord = try object.bool("single_word", missing: false)
    token.stripsLeft = try object.bool("lstrip", missing: false)
    token.stripsRight = try object.bool("rstrip", missing: false)
    token.isSpecial = try object.bool("special", missing: false)
    token.isNormalized = try object.bool("normalized", missing: !token.isSpecial)
    return token
  }

  /// The name of the class without `Fast`, the first of `known` where none is named.
  @discardableResult
  func require(class known: [String]) throws(TokenizerError) -> String {
    guard let name else { return known[0] }
    let plain = name.hasSuffix("Fast") ? String(name.dropLast(4)) : name
    guard known.contains(plain) else {
      throw .unsupported(
        path: file, field: "tokenizer_class", found: "\"\(name)\" without a tokenizer.json",
        known: known)
    }
    return plain
  }

  /// The tokens that are looked for in the text: special ones and those of `added_tokens_decoder`.
  ///
  /// - Parameters:
  ///   - special: the contents of special tokens.
  ///   - isRequired: whether the vocabulary must have all of them.
  ///   - stripping: the one that takes the white space before it.
  ///   - vocabulary: the tokens of the model.
  /// - Returns: the tokens in the order of the search.
  /// - Throws: `TokenizerError` for one that is not in the vocabulary.
  func added(
    _ special: [String], isRequired: Bool = true, stripping: String? = nil,
    to vocabulary: Vocabulary
  ) throws(TokenizerError) -> [AddedTokens.Token] {
    var tokens = addedTokens
    var next = Int32(vocabulary.count)
    for token in tokens {
      let known = vocabulary.id(of: token.pattern)
      let expected = known ?? next
      if known == nil { next += 1 }
      if token.id != expected {
        throw .conflictingID(
          path: file, token: token.content, expected: Int(expected), found: Int(token.id))
      }
    }
    for content in special where !tokens.contains(where: { $0.content == content }) {
      guard let id = vocabulary.id(of: Array(content.utf8)) else {
        if !isRequired { continue }
        throw .unknownToken(path: file, field: "a special token", token: content)
      }
      var token = AddedTokens.Token(id: id, content: content, pattern: Array(content.utf8))
      token.isSpecial = true
      token.stripsLeft = content == stripping
      tokens.append(token)
    }
    return tokens
  }
}
