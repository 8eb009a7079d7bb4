/// A matrix as `u * diagonal(values) * vt`.
public struct SingularValueDecomposition {
  /// Orthonormal columns, `[M, k]` with k the smaller of M and N.
  public let u: Tensor
  /// The singular values, `[k]`, descending.
  public let values: Tensor
  /// Orthonormal rows, `[k, N]`.
  public let vt: Tensor

  /// A decomposition from its parts.
  package init(u: Tensor, values: Tensor, vt: Tensor) {
    (self.u, self.values, self.vt) = (u, values, vt)
  }
}

extension Tensor {
  /// The thin singular value decomposition of a matrix `[M, N]`, by divide and conquer (LAPACK's gesdd).
  ///
  /// Not recorded. About `4 M N k + 8 k^3` flops and one copy of the matrix.
  ///
  /// - Throws: `LinearAlgebraError` where an element is not finite or the iteration does not converge.
  public func svd() throws(LinearAlgebraError) -> SingularValueDecomposition {
    precondition(shape.count == 2, "svd: shape \(shape) is no matrix")
    try LinearAlgebraError.checkFinite(self, "svd")
    let k = min(shape[0], shape[1])
    let u = Tensor(uninitialized: [shape[0], k])
    let values = Tensor(uninitialized: [k])
    let vt = Tensor(uninitialized: [k, shape[1]])
    if k > 0 {
      let info = Kernels.svd(copied(), u: u, values: values, vt: vt)
      try LinearAlgebraError.check(info, "svd", shape)
    }
    return SingularValueDecomposition(u: u, values: values, vt: vt)
  }
}
