extension Tensor {
  /// The thin QR factorisation of a matrix `[M, N]` by Householder reflections.
  ///
  /// Not recorded. The signs of the diagonal of R are not fixed, as in LAPACK.
  ///
  /// - Returns: `q` with orthonormal columns, `[M, k]`, and `r`, upper trapezoidal, `[k, N]`, with k the smaller
  ///   of M and N.
  /// - Throws: `LinearAlgebraError` where an element is not finite.
  public func qr() throws(LinearAlgebraError) -> (q: Tensor, r: Tensor) {
    precondition(shape.count == 2, "qr: shape \(shape) is no matrix")
    try LinearAlgebraError.checkFinite(self, "qr")
    let k = min(shape[0], shape[1])
    let r = Tensor(zeros: [k, shape[1]])
    guard k > 0 else { return (Tensor(zeros: [shape[0], k]), r) }
    let work = copied()
    let reflectors = Tensor(uninitialized: [k])
    try LinearAlgebraError.check(Kernels.factorQR(work, reflectors: reflectors), "qr", shape)
    for row in 0..<k {
      let right = row..<shape[1]
      Kernels.copy(
        work.leading(row..<row + 1).columns(right), to: r.leading(row..<row + 1).columns(right))
    }
    try LinearAlgebraError.check(Kernels.expandQ(work, reflectors: reflectors), "qr", shape)
    return (work.columns(0..<k).copied(), r)
  }
}
