/// The shortest of the vectors that come closest to the right-hand sides.
public struct LeastSquaresSolution {
  /// `[N]` or `[N, K]`, as the right-hand sides are.
  public let solution: Tensor
  /// How many singular values are not negligible.
  public let rank: Int
  /// The singular values of the matrix, descending.
  public let singularValues: Tensor
}

extension Tensor {
  /// Solves `A x = b` for a symmetric positive definite matrix A, `[N, N]`, by its Cholesky factor (LAPACK's posv).
  ///
  /// Not recorded. Only the lower triangle is read.
  ///
  /// - Parameter right: b, `[N]` or `[N, K]`.
  /// - Returns: x, of the shape of `right`.
  /// - Throws: `LinearAlgebraError` where an element is not finite or A is not positive definite.
  public func choleskySolve(_ right: Tensor) throws(LinearAlgebraError) -> Tensor {
    precondition(
      shape.count == 2 && shape[0] == shape[1] && (1...2).contains(right.shape.count)
        && right.shape[0] == shape[0],
      "choleskySolve: shapes \(shape) and \(right.shape)")
    try LinearAlgebraError.checkFinite(self, "choleskySolve")
    try LinearAlgebraError.checkFinite(right, "choleskySolve")
    let result = right.copied()
    if result.count > 0 {
      let columns = right.shape.count == 2 ? right.columns : 1
      let info = Kernels.solvePositiveDefinite(
        copied(), result.reshaped([shape[0], columns]))
      try LinearAlgebraError.check(
        info, "choleskySolve", shape, positive: .notPositiveDefinite)
    }
    return result
  }

  /// Minimises `|A x - b|` for any matrix A, `[M, N]`, by its singular values (LAPACK's gelsd).
  ///
  /// Not recorded. Among several solutions, as where A has more columns than rows or is rank-deficient, it is the shortest.
  ///
  /// - Parameters:
  ///   - right: b, `[M]` or `[M, K]`.
  ///   - tolerance: singular values below this multiple of the largest count as zero; nil for float32's precision
  ///     times the larger of M and N.
  /// - Returns: the solution, and what its singular values say.
  /// - Throws: `LinearAlgebraError` where an element is not finite or the iteration does not converge.
  public func leastSquares(
    _ right: Tensor, tolerance: Float? = nil
  ) throws(LinearAlgebraError) -> LeastSquaresSolution {
    precondition(
      shape.count == 2 && (1...2).contains(right.shape.count) && right.shape[0] == shape[0],
      "leastSquares: shapes \(shape) and \(right.shape)")
    try LinearAlgebraError.checkFinite(self, "leastSquares")
    try LinearAlgebraError.checkFinite(right, "leastSquares")
    let (m, n) = (shape[0], shape[1])
    let columns = right.shape.count == 2 ? right.columns : 1
    let values = Tensor(zeros: [min(m, n)])
    // LAPACK replaces the right-hand sides by the solutions, whichever are longer.
    let work = Tensor(zeros: [max(m, n), columns])
    Kernels.copy(right.detached.contiguous.reshaped([m, columns]), to: work.leading(0..<m))
    var rank: Int32 = 0
    if min(m, n) > 0, columns > 0 {
      let info = Kernels.leastSquares(
        copied(), work, values: values, tolerance: tolerance ?? Float.ulpOfOne * Float(max(m, n)),
        rank: &rank)
      try LinearAlgebraError.check(info, "leastSquares", shape)
    }
    let solution = min(m, n) > 0 ? work.leading(0..<n).copied() : Tensor(zeros: [n, columns])
    return LeastSquaresSolution(
      solution: solution.reshaped([n] + right.shape.dropFirst()), rank: Int(rank),
      singularValues: values)
  }
}
