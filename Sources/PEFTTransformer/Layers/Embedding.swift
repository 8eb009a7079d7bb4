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
  /// What takes over the lookup.
  public var adapter: (any EmbeddingAdapter)?

  /// An embedding from its table.
  public init(weight: Parameter) { self.weight = weight }

  /// What this keeps, by its names in checkpoints.
  public var members: Members { ["weight": weight, "": SlotMember(adapter)] }

  /// The rows, adapted where there is an adapter.
  public func callAsFunction(_ ids: Indices, _ context: ForwardContext) -> Tensor {
    adapter?.forward(ids, base: self, context) ?? lookUp(ids)
  }

  /// The rows of the table.
  public func lookUp(_ ids: Indices) -> Tensor { weight.tensor.rows(at: ids) }
}
