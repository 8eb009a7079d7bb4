internal import CPEFTOpenBLAS

/// LAPACK, with contiguous tensors that have an element; each function returns LAPACK's `info`.
///
/// A row-major matrix is the transposed one in LAPACK's column-major order. Where the transposed problem has the same
/// answer with the roles exchanged, that is what is solved: no copy is turned around. Elsewhere LAPACKE turns them.
extension Kernels {
  /// Whether an `info` says that LAPACKE got no memory.
  static func isOutOfMemory(_ info: Int32) -> Bool {
    info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR
  }

  /// A = U S V^T is A^T = V S U^T: U and V^T exchange their places.
  ///
  /// Destroys `a`.
  static func svd(_ a: Tensor, u: Tensor, values: Tensor, vt: Tensor) -> Int32 {
    _ = useOneThreadOfOpenBLAS
    let (m, n) = (Int32(a.shape[0]), Int32(a.shape[1]))
    return LAPACKE_sgesdd(
      LAPACK_COL_MAJOR, letter("S"), n, m, a.address, n, values.address, vt.address, n, u.address,
      min(m, n))
  }

  /// A = Q R is A^T = R^T Q^T, an LQ factorisation.
  ///
  /// Leaves R in the upper triangle of `a`, and Householder vectors below.
  static func factorQR(_ a: Tensor, reflectors: Tensor) -> Int32 {
    _ = useOneThreadOfOpenBLAS
    let (m, n) = (Int32(a.shape[0]), Int32(a.shape[1]))
    return LAPACKE_sgelqf(LAPACK_COL_MAJOR, n, m, a.address, n, reflectors.address)
  }

  /// Writes Q into the leading columns of what `factorQR` left.
  static func expandQ(_ a: Tensor, reflectors: Tensor) -> Int32 {
    let (m, n) = (Int32(a.shape[0]), Int32(a.shape[1]))
    return LAPACKE_sorglq(
      LAPACK_COL_MAJOR, min(m, n), m, min(m, n), a.address, n, reflectors.address)
  }

  /// Replaces `a` by the eigenvectors as rows.
  ///
  /// The upper triangle in LAPACK's order is our lower one.
  static func symmetricEigen(_ a: Tensor, values: Tensor) -> Int32 {
    _ = useOneThreadOfOpenBLAS
    let n = Int32(a.shape[0])
    return LAPACKE_ssyevd(
      LAPACK_COL_MAJOR, letter("V"), letter("U"), n, a.address, n, values.address)
  }

  /// Replaces `b`, a matrix, by the solution; destroys `a`.
  static func solvePositiveDefinite(_ a: Tensor, _ b: Tensor) -> Int32 {
    _ = useOneThreadOfOpenBLAS
    let (n, columns) = (Int32(b.shape[0]), Int32(b.shape[1]))
    return LAPACKE_sposv(
      LAPACK_ROW_MAJOR, letter("L"), n, columns, a.address, n, b.address, columns)
  }

  /// Replaces `b`, a matrix, by the solution of a system with any square matrix; destroys `a`.
  static func solve(_ a: Tensor, _ b: Tensor) -> Int32 {
    _ = useOneThreadOfOpenBLAS
    let (n, columns) = (Int32(b.shape[0]), Int32(b.shape[1]))
    var pivots = [Int32](repeating: 0, count: b.shape[0])
    return LAPACKE_sgesv(
      LAPACK_ROW_MAJOR, n, columns, a.address, n, &pivots, b.address, columns)
  }

  /// Replaces the leading rows of `b`, which has as many as the longer side of `a`, by the solution;
  /// destroys `a`.
  static func leastSquares(
    _ a: Tensor, _ b: Tensor, values: Tensor, tolerance: Float, rank: inout Int32
  ) -> Int32 {
    _ = useOneThreadOfOpenBLAS
    let (m, n, columns) = (Int32(a.shape[0]), Int32(a.shape[1]), Int32(b.shape[1]))
    return LAPACKE_sgelsd(
      LAPACK_ROW_MAJOR, m, n, columns, a.address, n, b.address, columns, values.address, tolerance,
      &rank)
  }

  private static func letter(_ letter: Unicode.Scalar) -> CChar { CChar(letter.value) }
}
