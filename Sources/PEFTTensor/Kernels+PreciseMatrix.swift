internal import CPEFTOpenBLAS

extension Kernels {
  /// The same as `multiply`, with sums in double precision that are rounded once.
  ///
  /// For small products, where it costs next to nothing: an optimiser that divides by the size of a gradient, as Adam, makes much of
  /// the rounding errors of gradients that nearly cancel.
  static func multiplyPrecisely(
    _ a: Matrix, _ aForm: Transposition, _ b: Matrix, _ bForm: Transposition, alpha: Float,
    beta: Float, to c: Matrix
  ) {
    let inner = aForm == .none ? a.columns : a.rows
    _ = useOneThreadOfOpenBLAS
    let sizes = (a.rows * a.columns, b.rows * b.columns, c.rows * c.columns)
    let scratch = Storage(byteCount: (sizes.0 + sizes.1 + sizes.2) * 8)
    let left = scratch.address.assumingMemoryBound(to: Double.self)
    let (right, result) = (left + sizes.0, left + sizes.0 + sizes.1)
    widen(a, to: left)
    widen(b, to: right)
    cblas_dgemm(
      CblasRowMajor, aForm.blas, bForm.blas, Int32(c.rows), Int32(c.columns), Int32(inner),
      Double(alpha), left, Int32(max(1, a.columns)), right, Int32(max(1, b.columns)), 0, result,
      Int32(max(1, c.columns)))
    for row in 0..<c.rows {
      let (source, target) = (result + row * c.columns, c.address + row * c.stride)
      if beta == 0 {
        for column in 0..<c.columns { target[column] = Float(source[column]) }
      } else {
        for column in 0..<c.columns {
          target[column] = Float(source[column] + Double(beta) * Double(target[column]))
        }
      }
    }
  }

  private static func widen(_ matrix: Matrix, to target: UnsafeMutablePointer<Double>) {
    for row in 0..<matrix.rows {
      let source = matrix.address + row * matrix.stride
      let line = target + row * matrix.columns
      for column in 0..<matrix.columns { line[column] = Double(source[column]) }
    }
  }
}
