public import PEFTTensor

/// One layer of a Transformer: attention and feed-forward, each inside a residual sum, with a norm before them or after the sum.
public final class Block: Module {
  /// Before attention, or after its sum.
  public let attentionNorm: Norm
  /// Mixes the tokens.
  public let attention: SelfAttention
  /// Before the feed-forward part, or after its sum.
  public let feedForwardNorm: Norm
  /// Works on each token.
  public let feedForward: FeedForward
  /// How many keys a query sees; nil for all.
  let window: Int?
  /// Whether a query sees no later key.
  let isCausal: Bool
  private let normPlacement: TransformerConfiguration.NormPlacement
  private let names: TransformerConfiguration.Names

  init(
    attentionNorm: Norm, attention: SelfAttention, feedForwardNorm: Norm,
    feedForward: FeedForward, window: Int?, _ configuration: TransformerConfiguration
  ) {
    (self.attentionNorm, self.attention) = (attentionNorm, attention)
    (self.feedForwardNorm, self.feedForward) = (feedForwardNorm, feedForward)
    (self.window, isCausal) = (window, configuration.isCausal)
    (normPlacement, names) = (configuration.normPlacement, configuration.names)
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
    switch normPlacement {
    case .beforeParts:
      let mixed = x + attention(attentionNorm(x), spans: spans, window: window, context)
      return mixed + feedForward(feedForwardNorm(mixed), context)
    case .afterSums:
      let mixed = attentionNorm(x + attention(x, spans: spans, window: window, context))
      return feedForwardNorm(mixed + feedForward(mixed, context))
    }
  }
}
