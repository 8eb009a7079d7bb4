import PEFTTensor

extension TransformerConfiguration {
  /// Whether the forward pass can take these tokens.
  ///
  /// - Throws: `ModelError` for the first thing that is wrong.
  func check(
    _ ids: Indices, keys: [Range<Int>], _ virtual: VirtualTokens
  ) throws(ModelError) {
    let (rows, length) = (ids.shape[0], ids.shape[1])
    for row in 0..<rows {
      guard keys[row].lowerBound >= 0, keys[row].upperBound <= length else {
        throw .keysOutOfRange(row: row, keys: keys[row], length: length)
      }
      try checkTokens(ids.row(row), row)
      try checkLength(keys[row].count, virtual, row: row)
    }
  }

  /// Whether all tokens are in the vocabulary.
  func checkTokens(_ tokens: ArraySlice<Int32>, _ row: Int) throws(ModelError) {
    for (place, token) in tokens.enumerated()
    where !(0..<vocabularySize).contains(Int(token)) {
      throw .tokenOutOfRange(
        row: row, place: place, token: token, vocabularySize: vocabularySize)
    }
  }

  /// Whether there are positions for a row and the tokens that it is continued by.
  func checkLength(
    _ count: Int, newTokens: Int = 0, _ virtual: VirtualTokens, row: Int
  ) throws(ModelError) {
    guard positions == .learned else { return }
    let maximum = usablePositions - virtual.count
    // The last new token is not fed again and needs no position.
    if count > maximum || max(0, newTokens - 1) > maximum - count {
      throw .tooManyTokens(
        row: row, tokens: count, newTokens: newTokens, maximum: maximum)
    }
  }
}
