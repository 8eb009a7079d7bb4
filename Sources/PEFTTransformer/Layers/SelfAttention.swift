public import PEFTTensor

/// Attention of a sequence to itself, with grouped key-value heads and rotary positions where the family has them, and with a
/// slot for an adapter.
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
  /// The norms of queries and keys, each head by itself; nil in families without.
  public let norms: (query: Norm, key: Norm)?
  /// The map of the joined heads.
  public let output: Linear
  /// What puts keys and values before those of the tokens.
  public var adapter: (any AttentionAdapter)?
  /// Its number among the layers of the model.
  public let layer: Int
  private let names: TransformerConfiguration.Names
  /// K.
  public let headWidth: Int
  private let heads: Int
  /// G, the number of heads of keys and values.
  public let groups: Int
  private let rotary: RotaryPositions?
  private let dropout: TransformerConfiguration.Dropout

  init(
    projection: Projection, norms: (query: Norm, key: Norm)?, output: Linear,
    rotary: RotaryPositions?, layer: Int, _ configuration: TransformerConfiguration
  ) {
    (self.projection, self.norms, self.output) = (projection, norms, output)
    (self.rotary, self.layer) = (rotary, layer)
    names = configuration.names
    headWidth = configuration.headWidth
    heads = configuration.heads
    groups = configuration.keyValueHeads
    dropout = configuration.dropout
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    let maps: Members =
      switch projection {
      case .fused(let map): [names.query: map, names.attentionOutput: output]
      case .separate(let query, let key, let value):
        [names.query: query, names.key: key, names.value: value, names.attentionOutput: output]
      }
    let normed: Members = [names.queryNorm: norms?.query, names.keyNorm: norms?.key]
    return maps.joined(with: normed).joined(with: ["": SlotMember(adapter)])
  }

  /// The output of attention, `[B, T, D]`.
  ///
  /// - Parameters:
  ///   - x: `[B, T, D]`.
  ///   - spans: which keys every query sees.
  ///   - window: how many keys a query sees at most, as the spans say it; nil for all.
  ///   - context: of this forward pass.
  /// - Returns: `[B, T, D]`.
  public func callAsFunction(
    _ x: Tensor, spans: AttentionSpans, window: Int? = nil, _ context: ForwardContext
  ) -> Tensor {
    var (query, key, value) = project(x, context)
    if let norms { (query, key) = (norms.query.perHead(query), norms.key.perHead(key)) }
    if let rotary {
      let table = rotary.table(length: context.sequenceLength)
      query = query.rotated(headWidth: headWidth, table: table, positions: context.positions)
      key = key.rotated(headWidth: headWidth, table: table, positions: context.positions)
    }
    if context.isFirst, context.virtual.prefix > 0,
      let prefix = adapter?.prefix(base: self, context)
    {
      precondition(
        prefix.keys.rows == context.virtual.prefix,
        "SelfAttention: a prefix of \(prefix.keys.shape) in a model of \(context.virtual.prefix)")
      let starts = context.visible.starts
      key = key.beginning(with: prefix.keys, at: starts)
      value = value.beginning(with: prefix.values, at: starts)
    }
    context.cache?.extend(layer: layer, keys: key, values: value)
    defer { context.cache?.settle(layer: layer) }
    let scale = 1 / Float(headWidth).squareRoot()
    let dropped = context.dropout == nil ? 0 : dropout.attention
    let mixed: Tensor
    if let groups = adapter?.groups(context) {
      let halves = [false, true].map {
        context.visible.spans(
          in: groups, isShifted: $0, window: window, prefix: context.virtual.prefix)
      }
      mixed = query.attention(
        keys: key, values: value, headWidth: headWidth, halves: halves, scale: scale,
        dropout: dropped, dropoutKeys: context.dropout)
    } else if let cache = context.cache, !context.isFirst {
      mixed = cache.attention(layer: layer, query, spans: spans, scale: scale)
    } else {
      mixed = query.attention(
        keys: key, values: value, headWidth: headWidth, spans: spans, scale: scale,
        dropout: dropped, dropoutKey: dropped > 0 ? context.dropout?.next() ?? 0 : 0)
    }
    return output(mixed, context).dropped(dropout.residual, context.dropout)
  }

  /// Stretches rotary positions from now on.
  func rescalePositions(_ scaling: RotaryScaling) { rotary?.scaling = scaling }

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

extension Tensor {
  /// Sequences `[B, T, C]` with the same rows before each: `[B, P + T, C]`, or `[1, S, C]` where one row holds several of them.
  func beginning(with rows: Tensor, at starts: [Int]) -> Tensor {
    let result = matrix.inserting(rows, before: starts)
    return result.reshaped([shape[0], result.shape[0] / max(1, shape[0]), columns])
  }
}
