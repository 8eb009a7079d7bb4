public import PEFTTensor

/// One layer of a decoder: attention and feed-forward, each after a norm and inside a residual sum.
public final class Block: Module {
  /// Before attention.
  public let attentionNorm: Norm
  /// Mixes the tokens.
  public let attention: SelfAttention
  /// Before the feed-forward part.
  public let feedForwardNorm: Norm
  /// Works on each token.
  public let feedForward: FeedForward
  /// How many keys a query sees; nil for all.
  let window: Int?
  private let names: TransformerConfiguration.Names

  init(
    attentionNorm: Norm, attention: SelfAttention, feedForwardNorm: Norm,
    feedForward: FeedForward, window: Int?, names: TransformerConfiguration.Names
  ) {
    (self.attentionNorm, self.attention) = (attentionNorm, attention)
    (self.feedForwardNorm, self.feedForward) = (feedForwardNorm, feedForward)
    (self.window, self.names) = (window, names)
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    [
      names.attentionNorm: attentionNorm, names.attention: attention,
      names.feedForwardNorm: feedForwardNorm, names.feedForward: feedForward,
    ]
  }

  /// `[B, T, D]` to `[B, T, D]`.
  public func callAsFunction(
    _ x: Tensor, spans: AttentionSpans, _ context: ForwardContext
  ) -> Tensor {
    let mixed = x + attention(attentionNorm(x), spans: spans, window: window, context)
    return mixed + feedForward(feedForwardNorm(mixed), context)
  }
}
