/// A matrix in float32 with a copy in bytes beside it, to find its largest product with a vector while few of its rows are read.
///
/// A product with the bytes is off by at most the norm of what they leave out times the norm of the vector, block by block of 64
/// inputs. Rows whose upper bound does not reach the largest lower bound cannot have the largest product; those that are left
/// are multiplied in float32, by the sums that the product with the whole matrix takes. So the row found is
/// always that of the whole product.
package struct ScreenedMatrix {
  /// W `[M, N]`.
  private let matrix: Tensor
  private let codes: Storage
  private let scales: Storage
  private let errors: Storage
  private let blocks: Int

  /// What was found.
  package struct Largest: Equatable {
    /// The first row with the largest product.
    package let row: Int
    /// How many rows were multiplied in float32.
    package let examined: Int
  }

  /// A share of the rows beyond which it is quicker to multiply all of them.
  private static let fewest = 8

  /// Copies a matrix into bytes; nil where it is empty, or an element is not finite.
  ///
  /// - Parameter matrix: `[M, N]`; it must not change while this is used.
  /// - Complexity: linear; 17 bytes for each 16 elements and 4 for each row.
  package init?(_ matrix: Tensor) {
    precondition(matrix.shape.count == 2, "ScreenedMatrix: shape \(matrix.shape)")
    let rows = matrix.rows
    guard matrix.count > 0, matrix.columns <= 1 << 16, rows <= Int(UInt32.max) else { return nil }
    self.matrix = matrix.detached
    blocks = Kernels.screenBlocks(matrix.columns)
    codes = Storage(byteCount: rows * blocks * Kernels.screenBlock)
    scales = Storage(byteCount: 4 * rows * blocks)
    errors = Storage(byteCount: 4 * rows)
    guard Kernels.packScreen(matrix, codes: codes, scales: scales, errors: errors) else {
      return nil
    }
  }

  /// The memory of the copy, in bytes.
  package var byteCount: Int { matrix.rows * (blocks * (Kernels.screenBlock + 4) + 4) }

  /// The row whose product with a vector is the largest; of equal ones the first.
  ///
  /// - Parameter x: N elements.
  /// - Returns: nil where the bounds decide too little, or a product may not be finite: the whole product has to be made.
  package func largestProduct(with x: Tensor) -> Largest? {
    precondition(
      x.count == matrix.columns, "ScreenedMatrix: \(x.shape) for a matrix \(matrix.shape)")
    let x = x.contiguous
    let norms = Kernels.blockNorms(x)
    guard norms.array.allSatisfy({ $0.isFinite }) else { return nil }
    let padded = Tensor(zeros: [blocks * Kernels.screenBlock])
    padded.overwrite(from: 0, with: x)
    let bounds = Kernels.screen(
      codes: codes, scales: scales, errors: errors, rows: matrix.rows, x: padded, norms: norms,
      rounding: rounding)
    // No sum on the way to a product is larger than this times the span.
    guard Self.reach * bounds.span < 1e37,
      let rows = Kernels.survivors(
        bounds.high, low: bounds.low, limit: max(1, matrix.rows / Self.fewest))
    else { return nil }
    let products = Kernels.products(x, matrix, rows: rows)
    var best = 0
    for index in products.indices where products[index] > products[best] { best = index }
    return Largest(row: rows[best], examined: rows.count)
  }

  /// A bound of the norm of a block in scales: 64 bytes of at most 127, and what they leave out.
  private static let reach: Float = 127 * 8 + 8

  /// What float32 sums of both products may be off by, in norms of blocks times scales.
  ///
  /// No term passes more roundings than a sum has terms in one of at least four lanes, and a few for joining lanes; the rounding of
  /// the bounds themselves is some more.
  private var rounding: Float {
    let roundings = matrix.columns / 4 + blocks + 64
    return Self.reach * Float(roundings) * 0x1p-24 * 1.02
  }
}
