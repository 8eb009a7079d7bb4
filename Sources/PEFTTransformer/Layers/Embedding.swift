public import PEFTTensor

/// Takes over the lookup of an embedding, using the embedding itself as its base.
public protocol EmbeddingAdapter: Module {
  /// The adapted rows.
  ///
  /// - Parameters:
  ///   - ids: `[...]`.
  ///   - base: the embedding, whose own lookup is `base.lookUp`.
  ///   - context: of this forward pass.
  /// - Returns: `[..., D]`.
  func forward(_ ids: Indices, base: Embedding, _ context: ForwardContext) -> Tensor
}

/// Rows of a table by number, with a slot for an adapter.
public final class Embedding: Module {
  /// `[V, D]`.
  public let weight: Parameter
  /// What the rows are multiplied with when they are looked up.
  public let scale: Float
  /// What takes over the lookup.
  public var adapter: (any EmbeddingAdapter)?

  /// An embedding from its table.
  public init(weight: Parameter, scale: Float = 1) { (self.weight, self.scale) = (weight, scale) }

  /// What this keeps, by its names in checkpoints.
  public var members: Members { ["weight": weight, "": SlotMember(adapter)] }

  /// The rows, adapted where there is an adapter, and multiplied with the scale.
  public func callAsFunction(_ ids: Indices, _ context: ForwardContext) -> Tensor {
    let rows = adapter?.forward(ids, base: self, context) ?? lookUp(ids)
    return scale == 1 ? rows : rows * scale
  }

  /// The rows of the table.
  public func lookUp(_ ids: Indices) -> Tensor { weight.tensor.rows(at: ids) }
}
