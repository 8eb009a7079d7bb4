public import PEFTTensor

extension CausalLM {
  /// Whether the forward pass can take these tokens; it stops the program where it cannot.
  ///
  /// - Parameters:
  ///   - ids: `[B, T]`.
  ///   - keys: which tokens of each row are no padding; nil for all.
  /// - Throws: `ModelError` for the first thing that is wrong.
  /// - Complexity: linear in the number of tokens.
  public func check(_ ids: Indices, keys: [Range<Int>]? = nil) throws(ModelError) {
    try configuration.check(ids, keys: keys ?? ids.everything, decoder.virtual)
  }

  /// Whether a loss can be computed for this batch; the computation stops the program where it cannot.
  ///
  /// - Parameter batch: tokens and labels.
  /// - Throws: `ModelError` for the first thing that is wrong.
  /// - Complexity: linear in the number of tokens.
  public func check(_ batch: TokenBatch) throws(ModelError) {
    try check(batch.ids, keys: batch.keys)
    let size = configuration.vocabularySize
    for row in 0..<batch.ids.shape[0] {
      for (place, label) in batch.labels.row(row).enumerated()
      where label != TokenBatch.ignored && !(0..<size).contains(Int(label)) {
        throw .labelOutOfRange(row: row, place: place, label: label, vocabularySize: size)
      }
    }
  }

  /// Whether these prompts can be continued by this many tokens.
  func check(_ prompts: [[Int32]], newTokens: Int) throws(ModelError) {
    if prompts.isEmpty { throw .empty(row: 0) }
    for (row, prompt) in prompts.enumerated() {
      if prompt.isEmpty { throw .empty(row: row) }
      try configuration.checkTokens(prompt[...], row)
      try configuration.checkLength(prompt.count, newTokens: newTokens, decoder.virtual, row: row)
    }
  }
}
