public import PEFTTensor
public import PEFTTransformer

/// LoRA beside one linear layer.
public final class LoRALayer: LinearAdapterLayer {
  /// A, `[R, N]`.
  public let a: Parameter
  /// B, `[M, R]`.
  public let b: Parameter
  /// The bias of B, `[M]`, or nil.
  public let bias: Parameter?
  /// The factor of the branch.
  public let scale: Float
  private let dropout: Float

  init(a: Parameter, b: Parameter, bias: Parameter?, scale: Float, dropout: Float) {
    (self.a, self.b, self.bias) = (a, b, bias)
    (self.scale, self.dropout) = (scale, dropout)
  }

  /// Yes.
  public var isAdditive: Bool { true }

  /// The branch `s B A dropout(x)`.
  public func branches(_ context: ForwardContext) -> [LowRankBranch] {
    let isDropping = dropout > 0 && context.dropout != nil
    return [
      LowRankBranch(
        a: a.tensor, b: b.tensor, bias: bias?.tensor, scale: scale,
        dropout: isDropping ? dropout : 0,
        dropoutKey: isDropping ? context.dropout?.next() ?? 0 : 0)
    ]
  }

  /// `W + s B A`, and the bias where B has one.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    var result = map
    result.weight = map.weight + b.value.matrixProduct(a.value) * scale
    guard let bias else { return result }
    guard let base = map.bias else {
      throw .notAdaptable(
        module: path, reason: "it has no bias that the adapter's could be merged into")
    }
    result.bias = base + bias.value * scale
    return result
  }
}

/// LoRA beside one embedding: `y = W[id] + s B A[:, id]`.
public final class LoRAEmbeddingLayer: EmbeddingAdapterLayer {
  /// A, `[R, V]`.
  public let a: Parameter
  /// B, `[D, R]`.
  public let b: Parameter
  /// The factor of the branch.
  public let scale: Float

  init(a: Parameter, b: Parameter, scale: Float) { (self.a, self.b, self.scale) = (a, b, scale) }

  /// The rows with the change of the branch.
  public func forward(
    _ ids: Indices, _ context: ForwardContext, inner: (Indices) -> Tensor
  ) -> Tensor {
    inner(ids) + a.tensor.transposed.rows(at: ids).linear(weight: b.tensor) * scale
  }

  /// `W + s (B A)^T`.
  public func merged(_ table: Tensor, _ path: String) throws(AdapterError) -> Tensor {
    table + b.value.matrixProduct(a.value).transposed * scale
  }
}
