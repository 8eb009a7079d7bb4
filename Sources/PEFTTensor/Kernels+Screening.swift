internal import CPEFTKernels

extension Kernels {
  /// Elements of a block of a screen.
  static let screenBlock = 64

  /// Bytes, scales and errors of the rows of a matrix; false where an element is not finite.
  static func packScreen(
    _ matrix: Tensor, codes: Storage, scales: Storage, errors: Storage
  ) -> Bool {
    let (inputs, blocks) = (matrix.columns, screenBlocks(matrix.columns))
    let bytes = codes.address.assumingMemoryBound(to: Int8.self)
    let (scales, errors) = (scales.floats, errors.floats)
    Parallel.run(matrix.rows, grain: max(1, grain / max(1, inputs))) { _, rows in
      let first = rows.lowerBound
      peft_screen_pack(
        matrix.address + first * matrix.rowStride, rows.count, inputs, matrix.rowStride,
        bytes + first * blocks * screenBlock, scales + first * blocks, errors + first)
    }
    return peft_all_finite(errors, matrix.rows) != 0
  }

  static func screenBlocks(_ inputs: Int) -> Int { (inputs + screenBlock - 1) / screenBlock }

  /// The bounds that a screen finds for one row x.
  struct ScreenBounds {
    /// An upper bound of every product.
    let high: Tensor
    /// A lower bound of the largest.
    let low: Float
    /// The largest sum of scales times norms.
    let span: Float
  }

  /// Bounds of the products with x, which is filled up with zeros to whole blocks; `norms` are those of x in each block,
  /// rounded up, and `rounding` is added to the errors.
  static func screen(
    codes: Storage, scales: Storage, errors: Storage, rows: Int, x: Tensor, norms: Tensor,
    rounding: Float
  ) -> ScreenBounds {
    let blocks = norms.count
    let bytes = codes.address.assumingMemoryBound(to: Int8.self)
    let (scales, errors) = (scales.floats, errors.floats)
    let high = Tensor(uninitialized: [rows])
    let grain = max(1, Self.grain / max(1, x.count))
    // For every part its lower bound and its span.
    let extremes = Tensor(uninitialized: [Parallel.partCount(rows, grain: grain), 2])
    Parallel.run(rows, grain: grain) { part, range in
      let first = range.lowerBound
      peft_screen_bounds(
        bytes + first * x.count, scales + first * blocks, errors + first, range.count, blocks,
        x.address, norms.address, rounding, high.address + first, extremes.address + 2 * part,
        extremes.address + 2 * part + 1)
    }
    let parts = (0..<extremes.rows).map { extremes.address + 2 * $0 }
    return ScreenBounds(
      high: high, low: parts.map { $0[0] }.max() ?? 0, span: parts.map { $0[1] }.max() ?? 0)
  }

  /// The places of bounds that reach `low`, in rising order; nil where there are more than `limit`.
  static func survivors(_ high: Tensor, low: Float, limit: Int) -> [Int]? {
    var found = 0
    let places = [UInt32](unsafeUninitializedCapacity: limit) { buffer, initialized in
      guard let target = buffer.baseAddress else { return }
      found = peft_screen_survivors(high.address, high.count, low, target, limit)
      initialized = min(found, limit)
    }
    return found <= limit ? places.map(Int.init) : nil
  }

  /// The products of one row x with some rows of a matrix, as the product with all rows has them.
  static func products(_ x: Tensor, _ matrix: Tensor, rows: [Int]) -> [Float] {
    [Float](unsafeUninitializedCapacity: rows.count) { buffer, initialized in
      initialized = rows.count
      guard let target = buffer.baseAddress else { return }
      Parallel.run(rows.count, grain: max(1, grain / max(1, x.count))) { _, range in
        for index in range {
          peft_row_dots(
            x.address, matrix.address + rows[index] * matrix.rowStride, matrix.rowStride, x.count,
            1, 1, 0, target + index)
        }
      }
    }
  }

  /// The norm of every block of a vector, rounded up.
  static func blockNorms(_ x: Tensor) -> Tensor {
    let norms = (0..<screenBlocks(x.count)).map { block in
      let first = block * screenBlock
      let sum = peft_sum_of_squares(x.address + first, min(screenBlock, x.count - first))
      return Float(sum.squareRoot()).nextUp
    }
    return Tensor(norms)
  }
}
