extension Tokenizer {
  /// The ids of a text.
  ///
  /// - Parameters:
  ///   - text: the text.
  ///   - addSpecialTokens: whether the post-processor may put special tokens around it. Special
  ///     tokens spelled out in the text are found in any case.
  /// - Returns: the ids in order.
  /// - Complexity: O(n log n) in the length of the longest word, linear in all else.
  public func encode(_ text: String, addSpecialTokens: Bool = true) -> [Int32] {
    var ids: [Int32] = []
    let bytes = Array(text.utf8)
    if addedTokens.plain.isEmpty {
      encodePlain(bytes, into: &ids)
    } else {
      for stretch in addedTokens.plain.stretches(of: bytes) {
        if let id = stretch.id {
          ids.append(id)
        } else if stretch.range.count == bytes.count {
          encodePlain(bytes, into: &ids)
        } else {
          encodePlain(Array(bytes[stretch.range]), into: &ids)
        }
      }
    }
    return postProcessor?.process(ids, addSpecialTokens: addSpecialTokens) ?? ids
  }

  /// Appends the ids of a text in which only normalised added tokens are left to find.
  private func encodePlain(_ text: [UInt8], into ids: inout [Int32]) {
    var text = text
    normalizer?.normalize(&text)
    if addedTokens.normalized.isEmpty {
      encodeWords(text, into: &ids)
      return
    }
    for stretch in addedTokens.normalized.stretches(of: text) {
      if let id = stretch.id {
        ids.append(id)
      } else if stretch.range.count == text.count {
        encodeWords(text, into: &ids)
      } else {
        encodeWords(Array(text[stretch.range]), into: &ids)
      }
    }
  }

  private func encodeWords(_ text: [UInt8], into ids: inout [Int32]) {
    let words = Words(whole: text)
    model.encode(preTokenizer?.split(words) ?? words, into: &ids)
  }
}
