extension Tensor {
  /// This matrix `[M, N]` plus a multiple of the product of two narrow ones; not recorded.
  ///
  /// One copy of the matrix and `2 M N R` flops.
  ///
  /// - Parameters:
  ///   - left: `[M, R]`, or `[R, M]` where the factors are transposed.
  ///   - right: `[R, N]`, or `[N, R]`.
  ///   - scale: multiplies the product.
  ///   - areTransposed: whether the factors lie the other way round.
  /// - Returns: the sum.
  package func adding(
    _ left: Tensor, _ right: Tensor, scale: Float, areTransposed: Bool = false
  ) -> Tensor {
    let form: Kernels.Transposition = areTransposed ? .transposed : .none
    let axis = areTransposed ? 1 : 0
    precondition(
      shape.count == 2 && left.shape.count == 2 && right.shape.count == 2
        && left.shape[axis] == shape[0] && right.shape[1 - axis] == shape[1]
        && left.shape[1 - axis] == right.shape[axis],
      "adding: \(left.shape) times \(right.shape) to \(shape)")
    let result = detached.copied()
    Kernels.multiply(
      .init(left.detached), form, .init(right.detached), form, alpha: scale, beta: 1,
      to: .init(result))
    return result
  }
}
