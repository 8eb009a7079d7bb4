public import PEFTTensor
public import PEFTTransformer

/// LoHa beside one linear layer.
public final class LoHaLayer: LinearAdapterLayer {
  /// Always.
  public var isSummand: Bool { true }
  /// `A1` `[M, R]` and `B1` `[R, N]`.
  public let first: (a: Parameter, b: Parameter)
  /// `A2` `[M, R]` and `B2` `[R, N]`.
  public let second: (a: Parameter, b: Parameter)
  /// The factor of the product.
  public let scale: Float
  /// Whether the product is computed as a branch of rank R^2, not as a matrix.
  public let isAdditive: Bool
  private let dropout: LycorisDropout

  init(
    first: (a: Parameter, b: Parameter), second: (a: Parameter, b: Parameter), scale: Float,
    dropout: LycorisDropout
  ) {
    (self.first, self.second, self.scale, self.dropout) = (first, second, scale, dropout)
    let (outputs, rank, inputs) = (first.a.shape[0], first.a.shape[1], first.b.shape[1])
    isAdditive = rank * rank * (outputs + inputs) < outputs * inputs
  }

  /// The branch of rank R^2, where it is the cheaper way.
  public func branches(_ context: ForwardContext) -> [LowRankBranch] {
    guard isAdditive else { return [] }
    let (outputs, rank, inputs) = (first.a.shape[0], first.a.shape[1], first.b.shape[1])
    let (drops, rows) = dropout.draw(outputs: outputs, context)
    if drops { return [] }
    let narrow =
      first.b.tensor.reshaped([rank, 1, inputs]) * second.b.tensor.reshaped([1, rank, inputs])
    var wide =
      (first.a.tensor.reshaped([outputs, rank, 1]) * second.a.tensor.reshaped([outputs, 1, rank]))
      .reshaped([outputs, rank * rank])
    if let rows { wide = wide * rows.reshaped([outputs, 1]) }
    return [LowRankBranch(a: narrow.reshaped([rank * rank, inputs]), b: wide, scale: scale)]
  }

  /// What is inside, with the product by the whole matrix where that is the cheaper way.
  public func forward(
    _ input: Tensor, base: Linear, _ context: ForwardContext, inner: (Tensor) -> Tensor
  ) -> Tensor {
    if isAdditive { return inner(input) }
    let (drops, rows) = dropout.draw(outputs: base.outputs, context)
    if drops { return inner(input) }
    var change = product(\.tensor)
    if let rows { change = change * rows.reshaped([base.outputs, 1]) }
    return inner(input) + input.linear(weight: change)
  }

  /// `W + s (A1 B1) * (A2 B2)`.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    var result = map
    result.weight = map.weight + product(\.value)
    return result
  }

  private func product(_ value: (Parameter) -> Tensor) -> Tensor {
    value(first.a).matrixProduct(value(first.b)) * value(second.a).matrixProduct(value(second.b))
      * scale
  }
}
