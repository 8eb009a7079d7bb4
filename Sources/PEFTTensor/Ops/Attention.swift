/// Which keys every query may see: one contiguous range each.
///
/// That covers causal and full attention, padding on either side, sliding windows, rows packed into one sequence, and
/// keys of earlier tokens.
public struct AttentionSpans: Sendable {
  /// The first key of each query, `[B * T]`.
  public let low: [Int32]
  /// One past the last key of each query, `[B * T]`.
  public let high: [Int32]
  /// B.
  public let batch: Int
  /// T, the number of queries a row.
  public let queries: Int

  /// Ranges for every query, row by row.
  public init(low: [Int32], high: [Int32], batch: Int, queries: Int) {
    precondition(
      low.count == batch * queries && high.count == low.count,
      "AttentionSpans: \(low.count) and \(high.count) bounds for \(batch) x \(queries) queries")
    (self.low, self.high, self.batch, self.queries) = (low, high, batch, queries)
  }

  /// The usual spans.
  ///
  /// - Parameters:
  ///   - keys: the range of keys that are no padding, for each row of the batch.
  ///   - queries: T.
  ///   - past: how many keys stand before the first query's own.
  ///   - isCausal: whether a query sees no key after its own.
  ///   - window: how many keys a query sees at most, its own included; nil for all.
  public init(
    keys: [Range<Int>], queries: Int, past: Int = 0, isCausal: Bool, window: Int? = nil
  ) {
    var (low, high): ([Int32], [Int32]) = ([], [])
    low.reserveCapacity(keys.count * queries)
    high.reserveCapacity(keys.count * queries)
    for range in keys {
      for query in past..<past + queries {
        let first = window.map { max(range.lowerBound, query - $0 + 1) } ?? range.lowerBound
        let end = isCausal ? min(range.upperBound, query + 1) : range.upperBound
        low.append(Int32(first))
        high.append(Int32(max(first, end)))
      }
    }
    self.init(low: low, high: high, batch: keys.count, queries: queries)
  }

  /// The spans of one row that holds several sequences one after the other, each by itself.
  ///
  /// - Parameters:
  ///   - segments: ranges that cover the row from 0 on without a gap.
  ///   - isCausal: whether a query sees no key after its own.
  ///   - window: how many keys a query sees at most, its own included; nil for all.
  ///   - prefix: how many keys without a query stand before those of each sequence.
  public init(
    segments: [Range<Int>], isCausal: Bool = true, window: Int? = nil, prefix: Int = 0
  ) {
    var (low, high): ([Int32], [Int32]) = ([], [])
    for (index, segment) in segments.enumerated() {
      precondition(
        segment.lowerBound == low.count, "AttentionSpans: a gap before the segment \(segment)")
      let first = segment.lowerBound + index * prefix
      for query in segment {
        let own = query + (index + 1) * prefix
        low.append(Int32(window.map { max(first, own - $0 + 1) } ?? first))
        high.append(Int32(isCausal ? own + 1 : segment.upperBound + (index + 1) * prefix))
      }
    }
    self.init(low: low, high: high, batch: 1, queries: low.count)
  }
}

extension Tensor {
  /// Scaled dot-product attention (arXiv 1706.03762) with grouped key-value heads (arXiv 2305.13245).
  ///
  /// Works on tiles of queries and keys; the `T x S` matrix never exists as a whole. Saves the operands, the result
  /// and one number for each query and head; backward computes the probabilities again. 4 K flops for each pair of a
  /// query and a key it sees in each head, 10 K backward; tiles outside the spans cost nothing.
  ///
  /// - Parameters:
  ///   - keys: `[B, S, G * K]` with G dividing H; `self` is the queries `[B, T, H * K]`.
  ///   - values: `[B, S, G * K]`.
  ///   - headWidth: K.
  ///   - spans: which keys each query sees; a query that sees none gives zeros.
  ///   - scale: multiplies the scores, usually `1 / sqrt(K)`.
  ///   - dropout: the probability of a score to be dropped after the softmax.
  ///   - dropoutKey: chooses the mask of dropout.
  /// - Returns: `[B, T, H * K]`.
  public func attention(
    keys: Tensor, values: Tensor, headWidth: Int, spans: AttentionSpans, scale: Float,
    dropout: Float = 0, dropoutKey: UInt64 = 0
  ) -> Tensor {
    precondition(
      shape.count == 3 && keys.shape.count == 3 && keys.shape == values.shape
        && shape[0] == keys.shape[0] && columns % headWidth == 0
        && keys.columns % headWidth == 0 && columns % max(1, keys.columns) == 0
        && spans.batch == shape[0] && spans.queries == shape[1],
      "attention: queries \(shape), keys \(keys.shape), values \(values.shape), head \(headWidth)")
    let result = Tensor(uninitialized: shape)
    let problem = Kernels.Attention(
      queries: detached, keys: keys.detached, values: values.detached, headWidth: headWidth,
      spans: spans, scale: scale, dropout: dropout, dropoutKey: dropoutKey)
    let logSums = Tensor(uninitialized: [shape[0], columns / headWidth, shape[1]])
    problem.forward(to: result, logSums: logSums)
    return result.recorded(from: [self, keys, values]) { gradient, inputs in
      let dq = Tensor(uninitialized: problem.queries.shape)
      let dk = Tensor(uninitialized: problem.keys.shape)
      let dv = Tensor(uninitialized: problem.keys.shape)
      problem.backward(
        gradient, output: result, logSums: logSums, toQueries: dq, toKeys: dk, toValues: dv)
      inputs[0]?.accumulate(dq)
      inputs[1]?.accumulate(dk)
      inputs[2]?.accumulate(dv)
    }
  }
}
