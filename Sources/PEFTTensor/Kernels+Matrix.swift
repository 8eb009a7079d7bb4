internal import CPEFTOpenBLAS

extension Kernels {
  /// Whether an operand of a product is used as it lies or transposed.
  enum Transposition {
    case none
    case transposed

    var blas: CBLAS_TRANSPOSE { self == .none ? CblasNoTrans : CblasTrans }
  }

  /// A matrix inside a tensor: an address, its sizes as stored, and the distance of its rows.
  struct Matrix {
    var address: UnsafeMutablePointer<Float>
    var rows: Int
    var columns: Int
    var stride: Int

    init(_ tensor: Tensor) {
      (address, rows, columns, stride) = (
        tensor.address, tensor.rows, tensor.columns, tensor.rowStride
      )
    }

    init(address: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int) {
      (self.address, self.rows, self.columns, self.stride) = (address, rows, columns, stride)
    }
  }

  /// Read before the first call of OpenBLAS: the threads of this module are the only ones.
  static let useOneThreadOfOpenBLAS: Void = openblas_set_num_threads(1)

  /// Multiply-adds that are worth a second thread.
  private static let parallelWork = 1 << 18

  /// Multiply-adds up to which a product is accumulated in double precision.
  private static let preciseWork = 1 << 19

  /// C = alpha * op(A) op(B) + beta * C, cut over the worker threads along the longer side of C.
  static func multiply(
    _ a: Matrix, _ aForm: Transposition = .none, _ b: Matrix, _ bForm: Transposition = .none,
    alpha: Float = 1, beta: Float = 0, to c: Matrix
  ) {
    let inner = aForm == .none ? a.columns : a.rows
    let work = c.rows * c.columns * inner
    if work <= preciseWork, c.rows > 1, work > 0 {
      return multiplyPrecisely(a, aForm, b, bForm, alpha: alpha, beta: beta, to: c)
    }
    let parts = work < parallelWork ? 1 : Parallel.threads
    if parts == 1 {
      multiplyAlone(a, aForm, b, bForm, alpha: alpha, beta: beta, to: c)
    } else if c.rows >= c.columns {
      Parallel.run(c.rows, grain: max(8, c.rows / parts / 2)) { _, rows in
        var (part, target) = (a, c)
        part.address += rows.lowerBound * (aForm == .none ? a.stride : 1)
        if aForm == .none { part.rows = rows.count } else { part.columns = rows.count }
        target.address += rows.lowerBound * c.stride
        target.rows = rows.count
        multiplyAlone(part, aForm, b, bForm, alpha: alpha, beta: beta, to: target)
      }
    } else {
      Parallel.run(c.columns, grain: max(8, c.columns / parts / 2)) { _, columns in
        var (part, target) = (b, c)
        part.address += columns.lowerBound * (bForm == .none ? 1 : b.stride)
        if bForm == .none { part.columns = columns.count } else { part.rows = columns.count }
        target.address += columns.lowerBound
        target.columns = columns.count
        multiplyAlone(a, aForm, part, bForm, alpha: alpha, beta: beta, to: target)
      }
    }
  }

  /// The same on the calling thread.
  static func multiplyAlone(
    _ a: Matrix, _ aForm: Transposition = .none, _ b: Matrix, _ bForm: Transposition = .none,
    alpha: Float = 1, beta: Float = 0, to c: Matrix
  ) {
    _ = useOneThreadOfOpenBLAS
    let inner = aForm == .none ? a.columns : a.rows
    if c.rows == 0 || c.columns == 0 { return }
    if c.rows == 1, inner > 0 {
      // A row times a matrix: the matrix-vector product reads B once, where sgemm packs it first.
      // Zeros are written here, since a BLAS may multiply what lies there by a beta of 0.
      if beta == 0 { c.address.update(repeating: 0, count: c.columns) }
      cblas_sgemv(
        CblasRowMajor, bForm == .none ? CblasTrans : CblasNoTrans, Int32(b.rows), Int32(b.columns),
        alpha, b.address, Int32(max(1, b.stride)), a.address,
        Int32(aForm == .none ? 1 : max(1, a.stride)), beta == 0 ? 1 : beta, c.address, 1)
      return
    }
    cblas_sgemm(
      CblasRowMajor, aForm.blas, bForm.blas, Int32(c.rows), Int32(c.columns), Int32(inner), alpha,
      a.address, Int32(max(1, a.stride)), b.address, Int32(max(1, b.stride)), beta, c.address,
      Int32(max(1, c.stride)))
  }
}
