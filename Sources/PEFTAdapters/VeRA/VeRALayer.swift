public import PEFTTensor
public import PEFTTransformer

/// VeRA beside one linear layer.
public final class VeRALayer: LinearAdapterLayer {
  /// A, `[R, N or more]`, frozen and shared.
  public let a: Parameter
  /// B, `[M or more, R]`, frozen and shared.
  public let b: Parameter
  /// The scales `b` of the outputs, `[M]`.
  public let outer: Parameter
  /// The scales `d` of the inside, `[R]`.
  public let inner: Parameter
  private let inputs: Int
  private let dropout: Float

  init(
    a: Parameter, b: Parameter, outer: Parameter, inner: Parameter, inputs: Int, dropout: Float
  ) {
    (self.a, self.b, self.outer, self.inner) = (a, b, outer, inner)
    (self.inputs, self.dropout) = (inputs, dropout)
  }

  /// Yes.
  public var isAdditive: Bool { true }

  /// The branch of A and the scaled B.
  public func branches(_ context: ForwardContext) -> [LowRankBranch] {
    let isDropping = dropout > 0 && context.dropout != nil
    return [
      LowRankBranch(
        a: a.value.columns(0..<inputs), b: scaledB(outer.tensor, inner.tensor),
        scale: 1, dropout: isDropping ? dropout : 0,
        dropoutKey: isDropping ? context.dropout?.next() ?? 0 : 0)
    ]
  }

  /// `W + (b * B) (d * A)`.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    var result = map
    let slice = a.value.columns(0..<inputs)
    result.weight =
      map.weight + scaledB(outer.value, inner.value).matrixProduct(slice.contiguous)
    return result
  }

  /// `b * B * d`, `[M, R]`.
  private func scaledB(_ outer: Tensor, _ inner: Tensor) -> Tensor {
    b.value.leading(0..<outer.count) * outer.reshaped([outer.count, 1]) * inner
  }
}
