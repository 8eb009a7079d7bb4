internal import CPEFTKernels

extension Kernels {
  static func sum(_ x: Tensor) -> Float { peft_sum(x.address, x.count) }

  static func sumOfSquares(_ x: Tensor) -> Double { peft_sum_of_squares(x.address, x.count) }

  static func allFinite(_ x: Tensor) -> Bool { peft_all_finite(x.address, x.count) != 0 }

  /// Sums of columns: target[j] += sum of x[i, j]; the rows of x may have a stride.
  static func addColumnSums(_ x: Tensor, into target: Tensor) {
    let columns = x.columns
    Parallel.run(columns, grain: max(16, grain / max(1, x.rows))) { _, range in
      peft_add_column_sums(
        x.address + range.lowerBound, x.rows, range.count, x.rowStride,
        target.address + range.lowerBound)
    }
  }

  /// For every index of `large`, calls `body` with the rows that meet: the number of the row of
  /// `large` and of `small`, whose axes are of the same size or 1.
  private static func pairRows(
    _ small: [Int], _ large: [Int], _ body: (_ smallRow: Int, _ largeRow: Int) -> Void
  ) {
    let (smallRows, largeRows) = (small.dropLast(), large.dropLast())
    for row in 0..<largeRows.reduce(1, *) {
      var (rest, place, stride) = (row, 0, 1)
      for (own, size) in zip(smallRows, largeRows).reversed() {
        if own != 1 { place += rest % size * stride }
        rest /= size
        stride *= own
      }
      body(place, row)
    }
  }

  /// target = source repeated along its axes of size 1; both contiguous, of the same rank.
  static func broadcast(_ source: Tensor, to target: Tensor) {
    guard target.count > 0 else { return }
    let columns = target.columns
    pairRows(source.shape, target.shape) { from, to in
      let row = target.address + to * columns
      if source.columns == columns {
        row.update(from: source.address + from * columns, count: columns)
      } else {
        row.update(repeating: source.address[from], count: columns)
      }
    }
  }

  /// target += the sum of source over the axes in which target has size 1.
  static func addBroadcast(_ source: Tensor, into target: Tensor) {
    guard source.count > 0 else { return }
    let columns = source.columns
    pairRows(target.shape, source.shape) { to, from in
      let row = source.address + from * columns
      if target.columns == columns {
        peft_add_scaled(row, 1, target.address + to * columns, columns)
      } else {
        target.address[to] += peft_sum(row, columns)
      }
    }
  }

  /// The place of the first largest element of every row; -1 where rows are empty.
  static func rowMaximumPlaces(_ x: Tensor) -> [Int] {
    let columns = x.columns
    return (0..<x.rows).map { row in
      var best = columns == 0 ? -1 : 0
      let values = x.address + row * columns
      for column in 0..<columns where values[column] > values[best] { best = column }
      return best
    }
  }

  static func element(_ x: Tensor, row: Int, column: Int) -> Float {
    x.address[row * x.rowStride + column]
  }

  static func addElement(_ value: Float, to x: Tensor, row: Int, column: Int) {
    x.address[row * x.rowStride + column] += value
  }
}
