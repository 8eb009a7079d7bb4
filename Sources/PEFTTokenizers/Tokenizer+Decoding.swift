extension Tokenizer {
  /// The text of ids.
  ///
  /// - Parameters:
  ///   - ids: the ids; one that no token has is left out.
  ///   - skipSpecialTokens: whether special tokens are left out.
  /// - Returns: the text. Bytes that are no UTF-8 become U+FFFD.
  public func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool = true) -> String {
    var decoder = streamDecoder(skipSpecialTokens: skipSpecialTokens)
    return decoder.appendAll(ids)
  }

  /// A decoder for ids that come one by one.
  ///
  /// - Parameter skipSpecialTokens: whether special tokens are left out.
  /// - Returns: a decoder at the start of a text.
  public func streamDecoder(skipSpecialTokens: Bool = true) -> TokenStreamDecoder {
    TokenStreamDecoder(
      vocabulary: model.vocabulary, addedTokens: addedTokens, decoders: decoders,
      skipSpecialTokens: skipSpecialTokens)
  }
}
