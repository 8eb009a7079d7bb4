public import PEFTTensor

/// When generation ends.
public struct GenerationLimits: Sendable, Hashable {
  /// How many tokens are generated at most, for each row.
  public var newTokens: Int
  /// Tokens that end a row; they are not part of the result.
  public var stopTokens: Set<Int32>

  /// Limits.
  public init(newTokens: Int, stopTokens: Set<Int32> = []) {
    (self.newTokens, self.stopTokens) = (newTokens, stopTokens)
  }
}

extension CausalLM {
  /// Continues prompts, token by token, with a cache of keys and values.
  ///
  /// Prompts of unequal length are padded on the left; every row gives what it would give alone, to rounding.
  ///
  /// - Parameters:
  ///   - prompts: at least one, none empty.
  ///   - limits: when to end.
  ///   - sampling: how tokens are chosen; every row has a generator of its own, from the seed and its number.
  ///   - onToken: gets the row and every new token as soon as it is known; false ends generation.
  /// - Returns: the new tokens of each row, without prompts and stop tokens.
  public func generate(
    _ prompts: [[Int32]], _ limits: GenerationLimits, _ sampling: SamplingOptions = .greedy,
    onToken: (_ row: Int, _ token: Int32) -> Bool = { _, _ in true }
  ) -> [[Int32]] {
    precondition(
      !prompts.isEmpty && prompts.allSatisfy { !$0.isEmpty }, "generate: an empty prompt")
    return withoutGradients {
      let width = prompts.map(\.count).max() ?? 0
      let starts = prompts.map { width - $0.count }
      var feeder = Feeder(self, starts: starts, capacity: width + limits.newTokens)
      var samplers = prompts.indices.map { row in
        var options = sampling
        options.seed = Generator.mix(sampling.seed &+ UInt64(row))
        return Sampler(options)
      }
      var output = prompts.map { _ in [Int32]() }
      var isDone = prompts.map { _ in false }
      var next = Indices(
        zip(prompts, starts).flatMap { Array(repeating: 0, count: $1) + $0 },
        shape: [prompts.count, width])
      for _ in 0..<limits.newTokens {
        let logits = feeder.feed(next)
        var tokens = [Int32](repeating: 0, count: prompts.count)
        for row in prompts.indices where !isDone[row] {
          let token = samplers[row].next(logits[row], after: prompts[row] + output[row])
          tokens[row] = token
          if limits.stopTokens.contains(token) {
            isDone[row] = true
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

  /// The logits of every position of `[B, T]` ids, computed in pieces through a cache: what generation computes.
  ///
  /// - Parameters:
  ///   - ids: `[B, T]` without padding.
  ///   - pieces: how many tokens are fed at a time; sums to T.
  /// - Returns: `[B, T, V]`.
  public func cachedLogits(_ ids: Indices, pieces: [Int]) -> Tensor {
    precondition(pieces.reduce(0, +) == ids.shape[1], "cachedLogits: pieces \(pieces)")
    return withoutGradients {
      var feeder = Feeder(
        self, starts: Array(repeating: 0, count: ids.shape[0]), capacity: ids.shape[1])
      var (parts, start): ([Tensor], Int) = ([], 0)
      for piece in pieces {
        let rows = (0..<ids.shape[0]).flatMap { ids.row($0).dropFirst(start).prefix(piece) }
        parts.append(feeder.logits(Indices(rows, shape: [ids.shape[0], piece])))
        start += piece
      }
      return .concatenated(parts, axis: 1)
    }
  }
}

/// Feeds tokens to a model whose cache grows with them.
private struct Feeder {
  private let model: CausalLM
  private let cache: KeyValueCache
  private let starts: [Int]

  init(_ model: CausalLM, starts: [Int], capacity: Int) {
    (self.model, self.starts) = (model, starts)
    cache = KeyValueCache(model.configuration, starts: starts, capacity: capacity)
  }

  /// The logits after the last of the new tokens, for each row.
  mutating func feed(_ ids: Indices) -> [[Float]] {
    let (hidden, context) = hidden(ids)
    let last = ids.shape[1] - 1
    let rows = hidden.matrix.rows(
      at: Indices((0..<ids.shape[0]).map { Int32($0 * ids.shape[1] + last) }))
    let logits = model.logits(rows, context)
    return (0..<ids.shape[0]).map { logits.entry($0).array }
  }

  mutating func logits(_ ids: Indices) -> Tensor {
    let (hidden, context) = hidden(ids)
    return model.logits(hidden, context)
  }

  private func hidden(_ ids: Indices) -> (Tensor, ForwardContext) {
    let (count, past) = (ids.shape[1], cache.length)
    let keys = starts.map { $0..<past + count }
    let positions = starts.flatMap { start in
      (past..<past + count).map { Int32(max(0, $0 - start)) }
    }
    let longest = past + count - (starts.min() ?? 0)
    let context = ForwardContext(
      spans: AttentionSpans(keys: keys, queries: count, past: past, isCausal: true),
      positions: Indices(positions, shape: ids.shape), cache: cache, sequenceLength: longest)
    let hidden = model.decoder(ids, keys: keys, past: past, context)
    cache.advance(by: count)
    return (hidden, context)
  }
}
