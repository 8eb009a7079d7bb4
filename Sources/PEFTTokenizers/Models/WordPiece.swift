/// WordPiece: a word is cut into the longest tokens from left to right.
struct WordPiece: TokenizerModel {
  let vocabulary: Vocabulary
  private let trie: ByteTrie
  /// Where in the trie the tokens continue that carry the prefix of a continued word; -1 if none does.
  private let continuation: Int32
  private let unknown: Int32
  private let longestWord: Int

  /// Reads the `model` of a tokenizer.json.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    let vocabulary = try Vocabulary(reading: try object.required("vocab"))
    let unknown = try object.required("unk_token")
    let prefix = try object.optional("continuing_subword_prefix")?.string() ?? "##"
    let longest = try object.optional("max_input_chars_per_word")?.id() ?? 100
    try object.finish()
    try self.init(
      vocabulary, unknown: try unknown.string(), prefix: prefix, longestWord: Int(longest),
      file: unknown.file, field: unknown.name)
  }

  /// Puts a model together.
  ///
  /// - Parameters:
  ///   - vocabulary: the tokens.
  ///   - unknown: the token for words that cannot be cut into tokens.
  ///   - prefix: what a token that continues a word begins with.
  ///   - longestWord: how many characters a word may have that is not unknown.
  ///   - file: the file that names the unknown token.
  ///   - field: where it does.
  /// - Throws: `TokenizerError.unknownToken` where the vocabulary does not have that token.
  init(
    _ vocabulary: Vocabulary, unknown: String, prefix: String, longestWord: Int = 100,
    file: String, field: String
  ) throws(TokenizerError) {
    guard let id = vocabulary.id(of: Array(unknown.utf8)) else {
      throw .unknownToken(path: file, field: field, token: unknown)
    }
    self.vocabulary = vocabulary
    self.unknown = id
    self.longestWord = longestWord
    trie = ByteTrie(vocabulary)
    continuation = trie.node(of: prefix.utf8)
  }

  func encode(_ words: Words, into tokens: inout TokenRow) {
    let bytes = words.bytes
    words.forEach { word in
      let count = tokens.ids.count
      if isTooLong(bytes, word) || !encode(words.text, word, into: &tokens) {
        tokens.ids.removeSubrange(count...)
        tokens.origins?.removeSubrange(count...)
        if tokens.tracks { tokens.words.removeSubrange(count...) }
        tokens.append(unknown, words.text, word)
      }
      tokens.wordCount += 1
    }
  }

  private func isTooLong(_ bytes: [UInt8], _ word: Range<Int>) -> Bool {
    if word.count <= longestWord { return false }
    var count = 0
    for position in word where bytes[position] & 0xC0 != 0x80 { count += 1 }
    return count > longestWord
  }

  /// Appends the tokens of a word; false where it cannot be cut into tokens.
  private func encode(_ text: Text, _ word: Range<Int>, into tokens: inout TokenRow) -> Bool {
    var start = word.lowerBound
    var first = ByteTrie.root
    while start < word.upperBound {
      var node = first
      var position = start
      var end = start
      var found: Int32 = -1
      while node >= 0, position < word.upperBound {
        node = trie.next(node, text.bytes[position])
        position += 1
        if node >= 0, trie.ids[Int(node)] >= 0 {
          found = trie.ids[Int(node)]
          end = position
        }
      }
      if found < 0 { return false }
      tokens.append(found, text, start..<end)
      start = end
      first = continuation
    }
    return true
  }
}
