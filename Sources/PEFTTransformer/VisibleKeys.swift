public import PEFTTensor

/// Which keys the tokens of a forward pass may see, before a layer narrows that to a window.
public enum VisibleKeys: Sendable, Hashable {
  /// Rows that are padded to one length: for each the range of keys that are no padding, earlier ones included, and how many
  /// keys of earlier tokens stand before the first query.
  case rows([Range<Int>], queries: Int, past: Int)
  /// One row that holds several sequences one after the other, each of which sees itself only.
  case segments([Range<Int>])

  /// The keys of every query of causal attention.
  ///
  /// - Parameter window: how many keys a query sees at most, its own included; nil for all.
  /// - Returns: one range for each query.
  public func spans(window: Int? = nil) -> AttentionSpans {
    switch self {
    case .rows(let keys, let queries, let past):
      AttentionSpans(keys: keys, queries: queries, past: past, isCausal: true, window: window)
    case .segments(let segments): AttentionSpans(segments: segments, window: window)
    }
  }
}
