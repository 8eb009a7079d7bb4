public import PEFTTensor
public import PEFTTransformer

/// LoKr beside one linear layer.
public final class LoKrLayer: LinearAdapterLayer {
  /// Always.
  public var isSummand: Bool { true }
  /// `W1` `[a, b]`, or the two matrices whose product it is.
  public let first: [Parameter]
  /// `W2` `[c, d]`, or the two matrices whose product it is.
  public let second: [Parameter]
  /// The factor of the product.
  public let scale: Float
  private let dropout: LycorisDropout

  init(first: [Parameter], second: [Parameter], scale: Float, dropout: LycorisDropout) {
    (self.first, self.second, self.scale, self.dropout) = (first, second, scale, dropout)
  }

  /// What is inside, and the product by both sides in turn.
  public func forward(
    _ input: Tensor, base: Linear, _ context: ForwardContext, inner: (Tensor) -> Tensor
  ) -> Tensor {
    let (drops, rows) = dropout.draw(outputs: base.outputs, context)
    if drops { return inner(input) }
    let (b, d) = (first[first.count - 1].shape[1], second[second.count - 1].shape[1])
    // [rows, b, d] to [rows, b, c] to [rows, c, b] to [rows, c, a] to [rows, a, c].
    let narrow = Self.multiply(input.matrix.reshaped([input.rows, b, d]), by: second)
    let both = Self.multiply(narrow.transposed, by: first).transposed
    var change = both.reshaped(input.shape.dropLast() + [base.outputs]) * scale
    if let rows { change = change * rows }
    return inner(input) + change
  }

  /// `W + s (W1 (x) W2)`.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    let (left, right) = (Self.product(first), Self.product(second))
    let (a, b) = (left.shape[0], left.shape[1])
    let (c, d) = (right.shape[0], right.shape[1])
    let product = left.reshaped([a, 1, b, 1]) * right.reshaped([1, c, 1, d])
    var result = map
    result.weight = map.weight + product.reshaped([a * c, b * d]) * scale
    return result
  }

  /// `x (F1 F2)^T`, the right matrix first.
  private static func multiply(_ input: Tensor, by factors: [Parameter]) -> Tensor {
    factors.reversed().reduce(input) { $0.linear(weight: $1.tensor) }
  }

  private static func product(_ factors: [Parameter]) -> Tensor {
    factors.dropFirst().reduce(factors[0].value) { $0.matrixProduct($1.value) }
  }
}
