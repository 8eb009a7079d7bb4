import PEFTTensor

/// Feeds tokens to a model whose cache grows with them.
struct TokenFeeder {
  private let model: CausalLM
  private let cache: KeyValueCache
  private let starts: [Int]
  private let virtual: VirtualTokens
  /// From how many positions on the frequencies depend on their number; nil for never.
  private let limit: Int?
  /// The tokens that were fed, where they may have to be fed again.
  private var seen: [[Int32]]

  /// A feeder with an empty cache.
  ///
  /// - Parameters:
  ///   - model: what is fed.
  ///   - starts: the first place that is no padding, for each row.
  ///   - capacity: how many tokens each row will have, without those that adapters put before them.
  init(_ model: CausalLM, starts: [Int], capacity: Int) {
    (self.model, self.starts) = (model, starts)
    virtual = model.decoder.virtual
    cache = KeyValueCache(
      model.configuration, batch: starts.count, capacity: capacity + virtual.count)
    if case .rotary(let scaling) = model.configuration.positions, scaling.dependsOnLength {
      limit = model.configuration.maximumPositions
    } else {
      limit = nil
    }
    seen = starts.map { _ in [] }
  }

  /// What is known of the token after those that were fed.
  enum Next {
    /// The token with the largest logit, of the only row.
    case token(Int32)
    /// The logits of each row.
    case logits([[Float]])
  }

  /// What follows after the last of the new tokens `[B, T]`: a token where the head can tell it without logits.
  mutating func feed(_ ids: Indices, _ head: GreedyHead? = nil) -> Next {
    let (hidden, context) = states(ids, last: 1)
    if let token = head?.token(hidden) { return .token(token) }
    let logits = model.head(hidden, context)
    return .logits((0..<ids.shape[0]).map { logits.entry($0).array })
  }

  /// The logits after every one of the new tokens: `[B, T]` gives `[B, T, V]`.
  mutating func logits(_ ids: Indices) -> Tensor {
    let (hidden, context) = states(ids, last: ids.shape[1])
    return model.head(hidden, context)
  }

  /// What the head gets for the last of the new tokens: `[B, last, D]`.
  private mutating func states(_ new: Indices, last: Int) -> (Tensor, ForwardContext) {
    let ids = tokensToFeed(new)
    let isFirst = cache.length == 0
    let (batch, count) = (ids.shape[0], ids.shape[1] + (isFirst ? virtual.prompt : 0))
    let past = isFirst ? 0 : cache.length - virtual.prefix
    let keys = starts.map { $0..<max($0, past + count) }
    let positions = starts.flatMap { start in
      (past..<past + count).map { Int32(max(0, $0 - start) + virtual.prefix) }
    }
    let context = ForwardContext(
      visible: .rows(keys, queries: count, past: past),
      positions: Indices(positions, shape: [batch, count]), cache: cache,
      sequenceLength: longest(past + count) + virtual.prefix, virtual: virtual)
    let hidden = model.decoder(ids, context)
    cache.advance(by: isFirst ? count + virtual.prefix : count)
    let places = (0..<batch).flatMap { row in
      (count - last..<count).map { Int32(row * count + $0) }
    }
    let chosen = hidden.matrix.rows(at: Indices(places, shape: [batch, last]))
    return (model.decoder.norm(chosen), context)
  }

  /// What every layer keeps for the tokens that were fed.
  var keysAndValues: [(keys: Tensor, values: Tensor)] { cache.layers }

  /// How many keys every layer keeps for a row.
  var cachedLength: Int { cache.length }

  /// The new tokens, or all so far where keys and values of the earlier ones hold no longer.
  ///
  /// Beyond the trained length, every further token changes the frequencies of all positions, and with them what every
  /// layer computes for the earlier tokens.
  private mutating func tokensToFeed(_ ids: Indices) -> Indices {
    guard let limit else { return ids }
    for row in seen.indices { seen[row] += ids.row(row) }
    let length = cache.length + ids.shape[1]
    guard cache.length > 0, longest(length) > limit else { return ids }
    cache.removeAll()
    return Indices(seen.flatMap { $0 }, shape: [seen.count, seen.first?.count ?? 0])
  }

  private func longest(_ length: Int) -> Int { length - (starts.min() ?? 0) }
}
