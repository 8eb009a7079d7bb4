import PEFTTensor

/// Feeds tokens to a model whose cache grows with them.
///
/// Keys and values hold as long as the model computes the same: where an adapter or a weight has changed, all tokens so far are fed again.
struct TokenFeeder {
  private let model: CausalLM
  private let starts: [Int]
  private let options: KeyValueCache.Options
  private var cache: KeyValueCache
  private var virtual: VirtualTokens
  private var revision: ModelRevision
  /// From how many positions on the frequencies depend on their number; nil for never.
  private let limit: Int?
  /// The tokens that were fed, which may have to be fed again.
  private var seen: [[Int32]]
  private var ended: Set<Int> = []

  /// A feeder with an empty cache.
  ///
  /// - Parameters:
  ///   - model: what is fed.
  ///   - starts: the first place that is no padding, for each row.
  ///   - options: how keys and values are kept.
  init(
    _ model: CausalLM, starts: [Int], _ options: KeyValueCache.Options = KeyValueCache.Options()
  ) {
    (self.model, self.starts, self.options) = (model, starts, options)
    virtual = model.decoder.virtual
    revision = ModelRevision(model)
    cache = KeyValueCache(model.configuration, starts: starts, options)
    limit = model.configuration.dependsOnLength ? model.configuration.maximumPositions : nil
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

  /// Gives all rows the keys and values of the tokens with which they begin, computed once.
  ///
  /// What is fed next holds, in each row, the places after as many as there are tokens. Only before anything else, where no adapter is
  /// chosen by row and no frequency depends on the length.
  ///
  /// - Parameters:
  ///   - beginning: the tokens.
  ///   - places: the first places of each row, padding included, as many as there are tokens.
  mutating func share(_ beginning: [Int32], places: [[Int32]]) {
    var single = TokenFeeder(model, starts: [0], options)
    _ = single.states(Indices(beginning, shape: [1, beginning.count]), last: 1)
    cache.share(single.cache)
    seen = places
  }

  /// Whether rows can share what they begin with.
  var canShare: Bool { options.sharesBeginnings && limit == nil && model.adapters.rowCount == nil }

  /// Gives back the memory of a row to which nothing follows; its tokens are fed on, and see nothing.
  mutating func end(row: Int) {
    ended.insert(row)
    cache.end(row: row)
  }

  /// Forgets keys and values where the model is no longer that which made them, and says whether that was so; the next tokens are fed
  /// behind all earlier ones then.
  mutating func refresh() -> Bool {
    if revision.holds(for: model) { return false }
    (revision, virtual) = (ModelRevision(model), model.decoder.virtual)
    cache = KeyValueCache(model.configuration, starts: starts, options)
    for row in ended { cache.end(row: row) }
    return true
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

  /// The memory of keys and values, in bytes.
  var cacheByteCount: Int { cache.byteCount }

  /// The new tokens, or all so far where keys and values of the earlier ones hold no longer.
  ///
  /// Beyond the trained length of dynamic scaling, every further token changes the frequencies of all positions, and with
  /// them what every layer computes for the earlier tokens.
  private mutating func tokensToFeed(_ ids: Indices) -> Indices {
    let hasForgotten = cache.length == 0 && seen.contains { !$0.isEmpty }
    for row in seen.indices { seen[row] += ids.row(row) }
    let length = cache.length + ids.shape[1]
    let isStale = cache.length > 0 && longest(length) > limit ?? .max
    guard hasForgotten || isStale else { return ids }
    cache.removeAll()
    return Indices(seen.flatMap { $0 }, shape: [seen.count, seen.first?.count ?? 0])
  }

  private func longest(_ length: Int) -> Int { length - (starts.min() ?? 0) }
}
