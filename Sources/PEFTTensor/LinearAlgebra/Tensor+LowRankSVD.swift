extension Tensor {
  /// The largest singular values of a matrix `[M, N]` and their vectors, from its products with random vectors.
  ///
  /// "Finding structure with randomness" (arXiv 0909.4061), algorithm 4.4 and 5.1, without more vectors than asked for, as PyTorch's
  /// `svd_lowrank`. Not recorded. About `2 M N k` flops for each of the `2 (1 + iterations)` products.
  ///
  /// - Parameters:
  ///   - count: k, how many; at most the smaller of M and N.
  ///   - iterations: how often the subspace is improved by a product with the matrix and its transpose.
  ///   - generator: draws the vectors.
  /// - Returns: `u` `[M, k]`, `values` `[k]`, `vt` `[k, N]`, nearly those of the whole decomposition.
  /// - Throws: `LinearAlgebraError` where an element is not finite or the iteration does not converge.
  public func lowRankSVD(
    _ count: Int, iterations: Int, using generator: inout Generator
  ) throws(LinearAlgebraError) -> SingularValueDecomposition {
    precondition(
      shape.count == 2 && (0...min(shape[0], shape[1])).contains(count),
      "lowRankSVD: \(count) values of shape \(shape)")
    try LinearAlgebraError.checkFinite(self, "lowRankSVD")
    let matrix = detached
    let turned = matrix.transposed
    let vectors = Tensor(normal: 1, shape: [shape[1], count], using: &generator)
    var basis = try matrix.matrixProduct(vectors).qr().q
    for _ in 0..<iterations {
      let other = try turned.matrixProduct(basis).qr().q
      basis = try matrix.matrixProduct(other).qr().q
    }
    let small = try basis.transposed.matrixProduct(matrix).svd()
    return SingularValueDecomposition(
      u: basis.matrixProduct(small.u), values: small.values, vt: small.vt)
  }
}
