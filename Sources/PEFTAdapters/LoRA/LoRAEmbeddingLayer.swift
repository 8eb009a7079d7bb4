public import PEFTTensor
public import PEFTTransformer

/// LoRA beside one embedding: `y = W[id] + s B A[:, id]`, with DoRA every column of the whole in a length of its own.
public final class LoRAEmbeddingLayer: EmbeddingAdapterLayer {
  /// A, `[R, V]`.
  public let a: Parameter
  /// B, `[D, R]`.
  public let b: Parameter
  /// The magnitude of every column of DoRA, `[D]`; nil without weight decomposition.
  public let magnitude: Parameter?
  /// Without weight decomposition, which scales what is inside as well.
  public var isSummand: Bool { magnitude == nil }
  /// With weight decomposition, for the lengths.
  public var readsBase: Bool { magnitude != nil }
  /// The factor of the branch.
  public let scale: Float
  private let norms: RowNorms

  init(a: Parameter, b: Parameter, magnitude: Parameter?, scale: Float, norms: RowNorms) {
    (self.a, self.b, self.magnitude) = (a, b, magnitude)
    (self.scale, self.norms) = (scale, norms)
  }

  /// The rows with the change of the branch.
  public func forward(
    _ ids: Indices, _ context: ForwardContext, inner: (Indices) -> Tensor
  ) -> Tensor {
    let rows = inner(ids) + a.tensor.transposed.rows(at: ids).linear(weight: b.tensor) * scale
    guard let magnitude else { return rows }
    return rows.scaledColumns(by: magnitude.tensor / norms.values([(a, b, scale)]))
  }

  /// The table with the change of the branch in it.
  public func merged(_ table: Tensor, _ path: String) throws(AdapterError) -> Tensor {
    let sum = table + b.value.matrixProduct(a.value).transposed * scale
    guard let magnitude else { return sum }
    return sum * (magnitude.value / RowNorms.norms(of: sum.transposed))
  }
}
