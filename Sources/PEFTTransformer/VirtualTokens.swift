import PEFTTensor

/// What adapters put before the first token of every sequence.
public struct VirtualTokens: Sendable, Hashable {
  /// How many keys and values stand before those of the tokens in every layer.
  public var prefix = 0
  /// How many embeddings stand before those of the tokens.
  public var prompt = 0

  /// Nothing, where no numbers are given.
  public init(prefix: Int = 0, prompt: Int = 0) { (self.prefix, self.prompt) = (prefix, prompt) }

  /// How many positions they take: the first token stands at this one.
  public var count: Int { prefix + prompt }
}

extension TokenBatch {
  /// The batch with places for a prompt before the first token of every row, which no label stands on.
  ///
  /// The first token has a place from which it is predicted then. The ids there mean nothing.
  func prompted(by count: Int) -> TokenBatch {
    if count == 0 { return self }
    let length = ids.shape[1]
    var (tokens, targets): ([Int32], [Int32]) = ([], [])
    for (row, range) in keys.enumerated() {
      let (start, first, end) = (
        row * length, row * length + min(range.lowerBound, length), (row + 1) * length
      )
      tokens += ids.values[start..<first] + Array(repeating: 0, count: count)
      tokens += ids.values[first..<end]
      targets += labels.values[start..<first] + Array(repeating: Self.ignored, count: count)
      targets += labels.values[first..<end]
    }
    let shape = [ids.shape[0], length + count]
    return TokenBatch(
      ids: Indices(tokens, shape: shape), keys: keys.map { $0.extended(by: count) },
      labels: Indices(targets, shape: shape))
  }
}
