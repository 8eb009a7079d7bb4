extension Tokenizer {
  /// The ids of a text.
  ///
  /// The settings for truncation and padding that a file may hold are not applied.
  ///
  /// - Parameters:
  ///   - text: the text.
  ///   - addSpecialTokens: whether the post-processor may put special tokens around it. Special
  ///     tokens spelled out in the text are found in any case.
  /// - Returns: the ids in order.
  /// - Complexity: O(n log n) in the length of the longest word, linear in all else.
  public func encode(_ text: String, addSpecialTokens: Bool = true) -> [Int32] {
    let row = tokens(of: Text(Array(text.utf8)))
    return postProcessor?.process(row.ids, addSpecialTokens: addSpecialTokens) ?? row.ids
  }

  /// The tokens of a text before the post-processor.
  func tokens(of text: Text) -> TokenRow {
    var tokens = TokenRow(tracks: text.origins != nil)
    if addedTokens.plain.isEmpty {
      encodePlain(text, startsInput: true, into: &tokens)
      return tokens
    }
    for stretch in addedTokens.plain.stretches(of: text.bytes) {
      if let id = stretch.id {
        append(id, text, stretch.range, to: &tokens)
      } else {
        encodePlain(
          text.slice(stretch.range), startsInput: stretch.range.lowerBound == 0, into: &tokens)
      }
    }
    return tokens
  }

  private func append(_ id: Int32, _ text: Text, _ range: Range<Int>, to tokens: inout TokenRow) {
    tokens.append(id, text, range)
    tokens.wordCount += 1
  }

  /// Appends the tokens of a text in which only normalised added tokens are left to find.
  private func encodePlain(_ text: Text, startsInput: Bool, into tokens: inout TokenRow) {
    var text = text
    normalizer?.normalize(&text)
    if addedTokens.normalized.isEmpty {
      encodeWords(text, startsInput: startsInput, into: &tokens)
      return
    }
    for stretch in addedTokens.normalized.stretches(of: text.bytes) {
      if let id = stretch.id {
        append(id, text, stretch.range, to: &tokens)
      } else {
        encodeWords(
          text.slice(stretch.range), startsInput: startsInput && stretch.range.lowerBound == 0,
          into: &tokens)
      }
    }
  }

  private func encodeWords(_ text: Text, startsInput: Bool, into tokens: inout TokenRow) {
    let words = Words(whole: text, startsInput: startsInput)
    model.encode(preTokenizer?.split(words) ?? words, into: &tokens)
  }
}
