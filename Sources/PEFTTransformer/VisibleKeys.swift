public import PEFTTensor

/// Which keys the tokens of a forward pass may see, before a layer narrows that to a window.
public enum VisibleKeys: Sendable, Hashable {
  /// Rows that are padded to one length: for each the range of keys that are no padding, earlier ones included, and how many
  /// keys of earlier tokens stand before the first query.
  case rows([Range<Int>], queries: Int, past: Int)
  /// One row that holds several sequences one after the other, each of which sees itself only.
  case segments([Range<Int>])

  /// The keys of every query.
  ///
  /// - Parameters:
  ///   - window: how many keys a query sees at most, its own included; nil for all.
  ///   - prefix: how many other keys stand before those of every sequence; they count in a window.
  ///   - isCausal: whether a query sees no key after its own.
  /// - Returns: one range for each query.
  public func spans(
    window: Int? = nil, prefix: Int = 0, isCausal: Bool = true
  ) -> AttentionSpans {
    switch self {
    case .rows(let keys, let queries, let past):
      AttentionSpans(
        keys: keys.map { $0.extended(by: prefix) }, queries: queries, past: past + prefix,
        isCausal: isCausal, window: window)
    case .segments(let segments):
      AttentionSpans(
        segments: segments, isCausal: isCausal, window: window, prefix: prefix)
    }
  }

  /// The places, among the tokens of all rows one after the other, at which sequences begin.
  var starts: [Int] {
    switch self {
    case .rows(let keys, let queries, _):
      keys.enumerated().map { row, range in row * queries + min(range.lowerBound, queries) }
    case .segments(let segments): segments.map(\.lowerBound)
    }
  }
}

extension Range<Int> {
  /// With so many more at the end, unless it is empty.
  func extended(by count: Int) -> Range { isEmpty ? self : lowerBound..<upperBound + count }
}
