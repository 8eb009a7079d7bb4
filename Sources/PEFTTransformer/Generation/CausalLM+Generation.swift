package import PEFTTensor

/// When generation ends.
public struct GenerationLimits: Sendable, Hashable {
  /// How many tokens are generated at most, for each row.
  public var newTokens: Int
  /// Tokens that end a row; they are not part of the result.
  public var stopTokens: Set<Int32>

  /// Limits.
  public init(newTokens: Int, stopTokens: Set<Int32> = []) {
    precondition(newTokens >= 0, "GenerationLimits: newTokens \(newTokens)")
    (self.newTokens, self.stopTokens) = (newTokens, stopTokens)
  }
}

extension CausalLM {
  /// Continues prompts, token by token, with a cache of keys and values.
  ///
  /// Prompts of unequal length are padded on the left; every row gives the logits that it would give alone, to rounding
  /// (with dynamic rotary scaling the longest row decides for all). The cache grows in blocks; where the layers have sliding windows,
  /// no more of them are held than the windows need. What prompts begin with alike is computed and kept once. Beyond the positions that
  /// dynamic scaling was trained for, every token costs a pass over the whole sequence.
  ///
  /// Adapters may be attached, switched, merged or trained meanwhile: the tokens so far are then fed again, once, and the text goes on
  /// as the changed model continues it.
  ///
  /// The most likely tokens of one prompt are found without most of the logits where a head in float32 is large: they are
  /// those that all logits give. That takes memory while it lasts, 27 % of that of the head.
  ///
  /// - Parameters:
  ///   - prompts: the tokens of each row.
  ///   - limits: when to end.
  ///   - sampling: how tokens are chosen; every row has a generator of its own, from the seed and its number.
  ///   - cache: how keys and values are kept; codes take a third or a fifth of the memory, and change the logits a little.
  ///   - onToken: gets the row and every new token as soon as it is known; false ends generation.
  ///   - onEnd: gets what the generation took, however it ends.
  /// - Returns: the new tokens of each row, without prompts and stop tokens.
  /// - Throws: `ModelError` where there is no prompt or an empty one, a token is not in the vocabulary, prompt and new
  ///   tokens are more than the model has learned positions for, or a logit is not finite.
  public func generate(
    _ prompts: [[Int32]], _ limits: GenerationLimits, _ sampling: SamplingOptions = .greedy,
    cache: KeyValueCache.Storage = .float32,
    onToken: (_ row: Int, _ token: Int32) -> Bool = { _, _ in true },
    onEnd: ((GenerationStatistics) -> Void)? = nil
  ) throws(ModelError) -> [[Int32]] {
    let pays = GreedyHead.pays(head, newTokens: limits.newTokens)
    return try generate(
      prompts, limits, sampling, screensHead: pays, KeyValueCache.Options(cache),
      onToken: onToken, onEnd: onEnd)
  }

  /// The same, where `screensHead` says whether logits are left out where they can be.
  package func generate(
    _ prompts: [[Int32]], _ limits: GenerationLimits, _ sampling: SamplingOptions = .greedy,
    screensHead: Bool, _ options: KeyValueCache.Options = KeyValueCache.Options(),
    onToken: (_ row: Int, _ token: Int32) -> Bool = { _, _ in true },
    onEnd: ((GenerationStatistics) -> Void)? = nil
  ) throws(ModelError) -> [[Int32]] {
    try check(prompts, newTokens: limits.newTokens)
    return try withoutGradients { () throws(ModelError) in
      var meter = GenerationMeter(prompts, isOn: onEnd != nil)
      defer { onEnd?(meter.statistics) }
      var (feeder, next) = begin(prompts, limits.newTokens, options)
      var samplers = prompts.indices.map { row in
        var options = sampling
        options.seed = Generator.mix(sampling.seed &+ UInt64(row))
        return Sampler(options)
      }
      var output = prompts.map { _ in [Int32]() }
      var isDone = prompts.map { _ in false }
      let isPlain = prompts.count == 1 && sampling.takesLargestLogit
      let screen = screensHead && isPlain ? GreedyHead(head) : nil
      for step in 0..<limits.newTokens {
        if feeder.refresh() { try check(prompts, newTokens: limits.newTokens) }
        let found = feeder.feed(next, screen)
        meter.note(feeder, tokens: isDone.count { !$0 })
        var tokens = [Int32](repeating: 0, count: prompts.count)
        for row in prompts.indices where !isDone[row] {
          let token: Int32
          switch found {
          case .token(let largest): token = largest
          case .logits(let logits):
            guard logits[row].allSatisfy({ $0.isFinite }) else {
              throw .notFinite(row: row, step: step)
            }
            token = samplers[row].next(logits[row], after: prompts[row] + output[row])
          }
          tokens[row] = token
          if limits.stopTokens.contains(token) {
            isDone[row] = true
            feeder.end(row: row)
            continue
          }
          output[row].append(token)
          if !onToken(row, token) { return output }
        }
        if isDone.allSatisfy({ $0 }) { break }
        next = Indices(tokens, shape: [prompts.count, 1])
      }
      return output
    }
  }

  /// A feeder for prompts, and what is to be fed to it first: all of them, or what follows after a common beginning.
  private func begin(
    _ prompts: [[Int32]], _ newTokens: Int, _ options: KeyValueCache.Options
  ) -> (TokenFeeder, Indices) {
    let width = prompts.map(\.count).max() ?? 0
    let starts = prompts.map { width - $0.count }
    var feeder = TokenFeeder(self, starts: starts, options)
    let padded = zip(prompts, starts).map { Array(repeating: 0, count: $1) + $0 }
    let shared = feeder.canShare ? prompts.commonBeginning : 0
    // A pass of its own over fewer tokens does not pay.
    let count = newTokens > 0 && shared >= 16 ? shared : 0
    if count > 0 {
      feeder.share(Array(prompts[0].prefix(count)), places: padded.map { Array($0.prefix(count)) })
    }
    let rest = padded.flatMap { $0.dropFirst(count) }
    return (feeder, Indices(rest, shape: [prompts.count, width - count]))
  }

  /// The keys and values that every layer has for `[B, T]` ids, as attention gets them: `[B, T, G * K]` each.
  package func keysAndValues(_ ids: Indices) -> [(keys: Tensor, values: Tensor)] {
    withoutGradients {
      var options = KeyValueCache.Options()
      options.followsWindows = false
      var feeder = TokenFeeder(
        self, starts: Array(repeating: 0, count: ids.shape[0]), options)
      _ = feeder.feed(ids)
      return feeder.keysAndValues
    }
  }

  /// The logits of every position of `[B, T]` ids, computed in pieces through a cache: what generation computes.
  ///
  /// - Parameters:
  ///   - ids: `[B, T]`.
  ///   - pieces: how many tokens are fed at a time; sums to T.
  ///   - starts: the first place of each row that is no padding; nil for 0.
  ///   - options: how keys and values are kept.
  ///   - onPiece: gets the bytes of the cache after each piece.
  /// - Returns: `[B, T, V]`.
  package func cachedLogits(
    _ ids: Indices, pieces: [Int], starts: [Int]? = nil,
    _ options: KeyValueCache.Options = KeyValueCache.Options(), onPiece: (Int) -> Void = { _ in }
  ) -> Tensor {
    precondition(pieces.reduce(0, +) == ids.shape[1], "cachedLogits: pieces \(pieces)")
    return withoutGradients {
      var feeder = TokenFeeder(
        self, starts: starts ?? Array(repeating: 0, count: ids.shape[0]), options)
      var (parts, start): ([Tensor], Int) = ([], 0)
      for piece in pieces {
        let rows = (0..<ids.shape[0]).flatMap { ids.row($0).dropFirst(start).prefix(piece) }
        parts.append(feeder.logits(Indices(rows, shape: [ids.shape[0], piece])))
        onPiece(feeder.cacheByteCount)
        start += piece
      }
      return .concatenated(parts, axis: 1)
    }
  }
}

extension [[Int32]] {
  /// How many tokens all of several rows begin with alike, one less than the shortest has at most.
  var commonBeginning: Int {
    guard count > 1, let first else { return 0 }
    return reduce(first.count) { length, row in
      Swift.min(length, row.count - 1, zip(first, row).prefix { $0 == $1 }.count)
    }
  }
}
