internal import CPEFTKernels
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
  private static let preciseWork = 1 << 18

  /// C = alpha * op(A) op(B) + beta * C, cut over the worker threads along the longer side of C.
  ///
  /// How it is computed follows from the shapes alone.
  static func multiply(
    _ a: Matrix, _ aForm: Transposition = .none, _ b: Matrix, _ bForm: Transposition = .none,
    alpha: Float = 1, beta: Float = 0, to c: Matrix
  ) {
    if c.rows == 0 || c.columns == 0 { return }
    let inner = aForm == .none ? a.columns : a.rows
    let work = c.rows * c.columns * inner
    Arithmetic.count(multiplyAdds: work)
    if work <= preciseWork, c.rows > 1, work > 0 {
      return multiplyPrecisely(a, aForm, b, bForm, alpha: alpha, beta: beta, to: c)
    }
    let way = Way(rows: c.rows, inner: inner, columns: c.columns, aForm, bForm)
    let factors = Factors(alpha: alpha, beta: beta)
    switch way {
    case .library: cut(a, aForm, b, bForm, factors, to: c, by: callLibrary)
    case .row: cut(a, .none, b, bForm, factors, to: c, by: row)
    case .panels: multiplyInPanels(a, aForm, b, bForm, alpha: alpha, beta: beta, to: c)
    case .product where bForm == .none: cut(a, aForm, b, .none, factors, to: c, by: product)
    case .dots where bForm == .transposed: cut(a, .none, b, .transposed, factors, to: c, by: dots)
    case .product, .dots:
      let turned = Tensor(uninitialized: [b.columns, b.rows])
      withExtendedLifetime(turned) {
        transpose(b, to: .init(turned))
        if way == .product {
          cut(a, aForm, .init(turned), .none, factors, to: c, by: product)
        } else {
          cut(a, .none, .init(turned), .transposed, factors, to: c, by: dots)
        }
      }
    case .turnedProduct:
      // C^T = B^T A is a product with few rows.
      let turned = Tensor(uninitialized: [c.columns, c.rows])
      withExtendedLifetime(turned) {
        let one = Factors(alpha: 1, beta: 0)
        cut(b, .transposed, a, .none, one, to: .init(turned), by: product)
        transpose(.init(turned), factors, to: c)
      }
    }
  }

  /// The numbers of a product.
  private struct Factors {
    var alpha: Float
    var beta: Float
  }

  private typealias Product = (Matrix, Transposition, Matrix, Transposition, Factors, Matrix) ->
    Void

  private static func cut(
    _ a: Matrix, _ aForm: Transposition, _ b: Matrix, _ bForm: Transposition, _ factors: Factors,
    to c: Matrix, by product: Product
  ) {
    let inner = aForm == .none ? a.columns : a.rows
    let parts = c.rows * c.columns * inner < parallelWork ? 1 : Parallel.threads
    if parts == 1 {
      product(a, aForm, b, bForm, factors, c)
    } else if c.rows >= c.columns {
      Parallel.run(c.rows, grain: max(8, c.rows / parts / 2)) { _, rows in
        var (part, target) = (a, c)
        part.address += rows.lowerBound * (aForm == .none ? a.stride : 1)
        if aForm == .none { part.rows = rows.count } else { part.columns = rows.count }
        target.address += rows.lowerBound * c.stride
        target.rows = rows.count
        product(part, aForm, b, bForm, factors, target)
      }
    } else {
      Parallel.run(c.columns, grain: max(8, c.columns / parts / 2)) { _, columns in
        var (part, target) = (b, c)
        part.address += columns.lowerBound * (bForm == .none ? 1 : b.stride)
        if bForm == .none { part.columns = columns.count } else { part.rows = columns.count }
        target.address += columns.lowerBound
        target.columns = columns.count
        product(a, aForm, part, bForm, factors, target)
      }
    }
  }

  // MARK: The ways

  private static func product(
    _ a: Matrix, _ aForm: Transposition, _ b: Matrix, _: Transposition, _ factors: Factors,
    to c: Matrix
  ) {
    peft_skinny_product(
      a.address, a.stride, aForm == .none ? 0 : 1, b.address, b.stride, c.address, c.stride, c.rows,
      b.rows, c.columns, factors.alpha, factors.beta)
  }

  private static func dots(
    _ a: Matrix, _: Transposition, _ b: Matrix, _: Transposition, _ factors: Factors, to c: Matrix
  ) {
    peft_skinny_dots(
      a.address, a.stride, b.address, b.stride, c.address, c.stride, c.rows, b.columns, c.columns,
      factors.alpha, factors.beta)
  }

  private static func transpose(
    _ x: Matrix, _ factors: Factors = Factors(alpha: 1, beta: 0), to y: Matrix
  ) {
    peft_transpose(
      x.address, x.stride, x.rows, x.columns, factors.alpha, factors.beta, y.address, y.stride)
  }

  private static func row(
    _ a: Matrix, _: Transposition, _ b: Matrix, _ bForm: Transposition, _ factors: Factors,
    to c: Matrix
  ) {
    if bForm == .none {
      peft_row_product(
        a.address, b.address, b.stride, b.rows, c.columns, factors.alpha, factors.beta, c.address)
    } else {
      peft_row_dots(
        a.address, b.address, b.stride, b.columns, c.columns, factors.alpha, factors.beta,
        c.address)
    }
  }

  private static func callLibrary(
    _ a: Matrix, _ aForm: Transposition, _ b: Matrix, _ bForm: Transposition, _ factors: Factors,
    to c: Matrix
  ) {
    _ = useOneThreadOfOpenBLAS
    let inner = aForm == .none ? a.columns : a.rows
    let (alpha, beta) = (factors.alpha, factors.beta)
    cblas_sgemm(
      CblasRowMajor, aForm.blas, bForm.blas, Int32(c.rows), Int32(c.columns), Int32(inner), alpha,
      a.address, Int32(max(1, a.stride)), b.address, Int32(max(1, b.stride)), beta, c.address,
      Int32(max(1, c.stride)))
  }
}

/// By which kernel a product is computed: ours where a side is short or B is small.
///
/// The bounds are where the kernels were measured to be faster than OpenBLAS.
private enum Way {
  /// OpenBLAS, where we have no better kernels.
  case library
  /// A row times a matrix that is read as it lies.
  case row
  /// Both operands packed, for large matrices.
  case panels
  /// Rows of C from elements of A and rows of B as they lie; B is transposed first where it has to be.
  case product
  /// Dot products of rows of A and rows of B^T; B is transposed first where it has to be.
  case dots
  /// `product` for the transpose of C.
  case turnedProduct

  /// Elements of B that stay in the caches without being packed.
  private static let small = 1 << 16

  init(
    rows: Int, inner: Int, columns: Int, _ aForm: Kernels.Transposition,
    _ bForm: Kernels.Transposition
  ) {
    self = .library
    if inner == 0 { return }
    if peft_matrix_is_fast() != 0 { self = .panels }
    if rows == 1 {
      if aForm == .none { self = .row }
      return
    }
    switch (aForm, bForm) {
    case (.none, .transposed):
      if inner >= 32, columns < 16 || (rows <= 8 && inner >= 256) {
        self = .dots
      } else if columns <= 64 || inner <= 32 || inner * columns <= Self.small, rows >= 32 {
        self = .product
      }
    case (.none, .none):
      if columns < 16, inner >= 32 {
        if rows >= 64 { self = .dots }
      } else if columns <= 64 || inner <= 32 || rows <= 16 || inner * columns <= Self.small {
        self = .product
      }
    case (.transposed, .none):
      if columns < 16, rows > columns {
        if inner >= 64 { self = .turnedProduct }
      } else if rows <= 64 || inner <= 32 || rows * columns <= Self.small {
        self = .product
      }
    case (.transposed, .transposed): break
    }
  }
}
