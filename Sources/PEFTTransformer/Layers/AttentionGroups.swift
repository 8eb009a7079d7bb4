public import PEFTTensor

/// Groups of neighbouring tokens within which attention stays: shifted sparse attention (arXiv 2309.12307).
///
/// The first half of the heads has groups of g tokens from the first token on, the second half the same shifted by g / 2, with
/// the first g / 2 tokens and what is left at the end as groups of their own: nothing is rolled around, so that no
/// token sees a later one. Each sequence has its own groups, clipped to its length.
public enum AttentionGroups: Sendable, Hashable {
  /// g.
  case size(Int)
  /// g as a share of the length of each sequence, rounded up; the paper's choice is a quarter.
  case ratio(Double)

  /// g for a sequence of this length.
  func size(length: Int) -> Int {
    switch self {
    case .size(let size): max(1, size)
    case .ratio(let ratio): max(1, Int((ratio * Double(length)).rounded(.up)))
    }
  }

  /// The first token of the group that a token of a sequence is in.
  ///
  /// - Parameters:
  ///   - place: of the token, from 0.
  ///   - length: of the sequence.
  ///   - isShifted: whether the groups are those of the second half of the heads.
  /// - Returns: the place of the token with which the group begins.
  public func start(of place: Int, length: Int, isShifted: Bool) -> Int {
    let size = size(length: length)
    let shift = isShifted ? size / 2 : 0
    return place < shift ? 0 : shift + (place - shift) / size * size
  }
}

extension VisibleKeys {
  /// The keys of every query of causal attention within groups.
  ///
  /// - Parameters:
  ///   - groups: the groups of each sequence.
  ///   - isShifted: whether the groups are those of the second half of the heads.
  ///   - window: how many keys a query sees at most, its own included; nil for all.
  ///   - prefix: how many other keys stand before those of every sequence; they belong to its first group.
  /// - Returns: one range for each query.
  public func spans(
    in groups: AttentionGroups, isShifted: Bool, window: Int? = nil, prefix: Int = 0
  ) -> AttentionSpans {
    let usual = spans(window: window, prefix: prefix)
    var low = usual.low
    for (sequence, first, key) in sequences(prefix: prefix) {
      for place in 0..<sequence {
        let start = groups.start(of: place, length: sequence, isShifted: isShifted)
        // The keys of the prefix stand before those of the tokens.
        let bound = start == 0 ? key : key + prefix + start
        low[first + place] = max(low[first + place], Int32(bound))
      }
    }
    return AttentionSpans(
      low: low, high: usual.high, batch: usual.batch, queries: usual.queries)
  }

  /// The length of every sequence, its first query among all, and its first key in its row.
  private func sequences(prefix: Int) -> [(length: Int, query: Int, key: Int)] {
    switch self {
    case .rows(let keys, let queries, let past):
      precondition(past == 0, "VisibleKeys: groups after \(past) earlier tokens")
      return keys.enumerated().map { row, range in
        (range.count, row * queries + range.lowerBound, range.lowerBound)
      }
    case .segments(let segments):
      return segments.enumerated().map { index, segment in
        (segment.count, segment.lowerBound, segment.lowerBound + index * prefix)
      }
    }
  }
}

extension Tensor {
  /// Attention whose second half of the heads has spans of its own; otherwise as `attention`.
  ///
  /// Where the middle of the heads lies within a group that shares keys, that group is computed in two parts.
  ///
  /// - Parameters:
  ///   - keys: `[B, S, G * K]`.
  ///   - values: `[B, S, G * K]`.
  ///   - headWidth: K.
  ///   - halves: the spans of either half.
  ///   - scale: multiplies the scores.
  ///   - dropout: the probability of a score to be dropped after the softmax.
  ///   - dropoutKeys: choose the masks of dropout.
  /// - Returns: `[B, T, H * K]`.
  package func attention(
    keys: Tensor, values: Tensor, headWidth: Int, halves: [AttentionSpans], scale: Float,
    dropout: Float, dropoutKeys: DropoutKeys?
  ) -> Tensor {
    let (heads, groups) = (columns / headWidth, keys.columns / headWidth)
    let members = heads / groups
    let middle = heads / 2
    // Parts begin at the middle, and around a group that it cuts.
    let group = middle / members
    let cuts = Set([
      0, group * members, middle, min(heads, (middle + members - 1) / members * members), heads,
    ])
    .sorted()
    let parts = zip(cuts, cuts.dropFirst()).map { first, end in
      let own = first / members..<(end + members - 1) / members
      let shared = own.lowerBound * headWidth..<own.upperBound * headWidth
      return columns(first * headWidth..<end * headWidth).attention(
        keys: keys.columns(shared), values: values.columns(shared), headWidth: headWidth,
        spans: halves[first < middle ? 0 : 1], scale: scale, dropout: dropout,
        dropoutKey: dropout > 0 ? dropoutKeys?.next() ?? 0 : 0)
    }
    return .concatenated(parts, axis: 2)
  }
}
