extension Tensor {
  /// The eigenvalues and eigenvectors of a symmetric matrix `[N, N]`, by divide and conquer (LAPACK's syevd).
  ///
  /// Not recorded. Only the lower triangle is read.
  ///
  /// - Returns: `values`, `[N]`, ascending, and `vectors`, `[N, N]`, the orthonormal eigenvectors as columns.
  /// - Throws: `LinearAlgebraError` where an element is not finite or the iteration does not converge.
  public func symmetricEigen() throws(LinearAlgebraError) -> (values: Tensor, vectors: Tensor) {
    precondition(
      shape.count == 2 && shape[0] == shape[1], "symmetricEigen: shape \(shape) is not square")
    try LinearAlgebraError.checkFinite(self, "symmetricEigen")
    let values = Tensor(uninitialized: [shape[0]])
    let vectors = copied()
    if shape[0] > 0 {
      let info = Kernels.symmetricEigen(vectors, values: values)
      try LinearAlgebraError.check(info, "symmetricEigen", shape)
    }
    // LAPACK leaves them as columns in column-major order: rows to us.
    return (values, vectors.transposed)
  }
}
