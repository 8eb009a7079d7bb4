import PEFTTensor

/// The norms of the rows of `W + B A`, `[M]`, without the product `B A`:
/// `|w_i|^2 + 2 b_i (A w_i) + b_i (A A^T) b_i`, which costs `2 M N R` flops, as much as one row of input for every rank.
///
/// They are kept until something that they depend on changes.
final class RowNorms {
  private let weight: Parameter
  private let layout: WeightLayout
  private var squares: (revision: [Int], values: Tensor)?
  private var last: (revision: [[Int]], values: Tensor)?

  init(_ weight: Parameter, _ layout: WeightLayout) {
    (self.weight, self.layout) = (weight, layout)
  }

  /// The norms for the sum of several products, each with a factor.
  ///
  /// A row of zeros has the norm of the smallest number, so that it can be divided by.
  func values(_ products: [(a: Parameter, b: Parameter, scale: Float)]) -> Tensor {
    let revision =
      [weight.revision] + products.flatMap { [$0.a.revision, $0.b.revision] }
    if let last, last.revision == revision { return last.values }
    let result = withoutGradients {
      values(
        a: Tensor.concatenated(products.map(\.a.value), axis: 0),
        b: Tensor.concatenated(products.map { $0.b.value * $0.scale }, axis: 1))
    }
    last = (revision, result)
    return result
  }

  /// The norms for one product.
  func values(a: Tensor, b: Tensor) -> Tensor {
    withoutGradients {
      let turned = b.transposed
      let cross =
        a.linear(weight.operand(layout)) * 2
        + a.matrixProduct(a.transposed)
        .matrixProduct(turned)
      return Self.norms((turned * cross).sum(axis: 0) + ownSquares)
    }
  }

  /// The norms of the rows of a matrix, as `values` gives them.
  static func norms(of matrix: Tensor) -> Tensor {
    withoutGradients { norms((matrix * matrix).sum(axis: 1)) }
  }

  private static func norms(_ squares: Tensor) -> Tensor {
    Tensor(squares.array.map { max($0, .leastNormalMagnitude).squareRoot() })
  }

  private var ownSquares: Tensor {
    if let squares, squares.revision == weight.revision { return squares.values }
    let values: Tensor
    switch weight.operand(layout) {
    case .tensor(let value, let layout):
      values = (value * value).sum(axis: layout == .outputInput ? 1 : 0)
    case .storage(let storage):
      let value = storage.dense()
      values = (value * value).sum(axis: 1)
    }
    squares = (weight.revision, values)
    return values
  }
}
