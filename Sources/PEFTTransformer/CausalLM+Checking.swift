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
    let (rows, length) = (ids.shape[0], ids.shape[1])
    let keys = keys ?? Self.everything(ids)
    for row in 0..<rows {
      guard keys[row].lowerBound >= 0, keys[row].upperBound <= length else {
        throw .keysOutOfRange(row: row, keys: keys[row], length: length)
      }
      try checkTokens(ids.row(row), row)
      try checkLength(keys[row].count, row: row)
    }
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
      try checkTokens(prompt[...], row)
      try checkLength(prompt.count, newTokens: newTokens, row: row)
    }
  }

  private func checkTokens(_ tokens: ArraySlice<Int32>, _ row: Int) throws(ModelError) {
    let size = configuration.vocabularySize
    for (place, token) in tokens.enumerated() where !(0..<size).contains(Int(token)) {
      throw .tokenOutOfRange(row: row, place: place, token: token, vocabularySize: size)
    }
  }

  private func checkLength(
    _ count: Int, newTokens: Int = 0, row: Int
  ) throws(ModelError) {
    guard configuration.positions == .learned else { return }
    let maximum = configuration.maximumPositions - decoder.virtual.count
    // The last new token is not fed again and needs no position.
    if count > maximum || max(0, newTokens - 1) > maximum - count {
      throw .tooManyTokens(row: row, tokens: count, newTokens: newTokens, maximum: maximum)
    }
  }
}
