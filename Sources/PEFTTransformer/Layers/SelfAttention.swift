public import PEFTTensor

/// Attention of a sequence to itself, with grouped key-value heads and rotary positions where the family has them.
public final class SelfAttention: Module {
  /// How queries, keys and values are made.
  public enum Projection {
    /// By one map whose output is `[Q | K | V]`.
    case fused(Linear)
    /// By three.
    case separate(query: Linear, key: Linear, value: Linear)
  }

  /// Makes queries, keys and values.
  public let projection: Projection
  /// The map of the joined heads.
  public let output: Linear
  private let names: TransformerConfiguration.Names
  private let headWidth: Int
  private let heads: Int
  private let groups: Int
  private let rotary: RotaryPositions?
  private let dropout: TransformerConfiguration.Dropout
  private let layer: Int

  init(
    projection: Projection, output: Linear, rotary: RotaryPositions?, layer: Int,
    _ configuration: TransformerConfiguration
  ) {
    (self.projection, self.output, self.rotary, self.layer) = (projection, output, rotary, layer)
    names = configuration.names
    headWidth = configuration.headWidth
    heads = configuration.heads
    groups = configuration.keyValueHeads
    dropout = configuration.dropout
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    switch projection {
    case .fused(let map): [names.query: map, names.attentionOutput: output]
    case .separate(let query, let key, let value):
      [names.query: query, names.key: key, names.value: value, names.attentionOutput: output]
    }
  }

  /// The output of attention, `[B, T, D]`.
  public func callAsFunction(
    _ x: Tensor, spans: AttentionSpans, _ context: ForwardContext
  ) -> Tensor {
    var (query, key, value) = project(x, context)
    if let rotary {
      let table = rotary.table(length: context.sequenceLength)
      query = query.rotated(headWidth: headWidth, table: table, positions: context.positions)
      key = key.rotated(headWidth: headWidth, table: table, positions: context.positions)
    }
    if let cache = context.cache {
      (key, value) = cache.extend(layer: layer, keys: key, values: value)
    }
    let mixed = query.attention(
      keys: key, values: value, headWidth: headWidth, spans: spans,
      scale: 1 / Float(headWidth).squareRoot(),
      dropout: context.dropout == nil ? 0 : dropout.attention,
      dropoutKey: dropout.attention > 0 ? context.dropout?.next() ?? 0 : 0)
    return output(mixed, context).dropped(dropout.residual, context.dropout)
  }

  private func project(_ x: Tensor, _ context: ForwardContext) -> (Tensor, Tensor, Tensor) {
    switch projection {
    case .separate(let query, let key, let value):
      return (query(x, context), key(x, context), value(x, context))
    case .fused(let map):
      let all = map(x, context)
      let (q, k) = (heads * headWidth, groups * headWidth)
      return (
        all.columns(0..<q), all.columns(q..<q + k), all.columns(q + k..<q + 2 * k)
      )
    }
  }
}
