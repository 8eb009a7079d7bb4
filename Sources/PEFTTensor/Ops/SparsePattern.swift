/// The places of a sparse matrix `[M, N]`, row by row (compressed rows), and again column by column for the transposed product.
///
/// Elements are numbered in row-major order of their places; their values lie elsewhere in that order. Eight bytes
/// of indices an element for each of the two orders, and eight a row and column.
public struct SparsePattern: Sendable, Hashable {
  /// M.
  public let rows: Int
  /// N.
  public let columns: Int
  /// Where the elements of each row begin, and the number of all: `[M + 1]`.
  public let offsets: [Int32]
  /// The column of each element, ascending in each row.
  public let columnIndices: [Int32]
  /// Where the elements of each column begin, and the number of all: `[N + 1]`.
  let columnOffsets: [Int32]
  /// The row of each element in the order of columns, ascending in each.
  let rowsByColumn: [Int32]
  /// The number of each element in the order of columns.
  let order: [Int32]

  /// The number of elements.
  public var count: Int { columnIndices.count }

  /// The row of each element.
  public var rowIndices: [Int32] {
    (0..<rows).flatMap { row in
      repeatElement(Int32(row), count: Int(offsets[row + 1] - offsets[row]))
    }
  }

  /// A pattern from its places.
  ///
  /// Nil where a place is outside the matrix, or places are not ascending in row-major order.
  ///
  /// - Parameters:
  ///   - rows: M.
  ///   - columns: N.
  ///   - rowIndices: the row of each element.
  ///   - columnIndices: the column of each element.
  public init?(rows: Int, columns: Int, rowIndices: [Int32], columnIndices: [Int32]) {
    guard rowIndices.count == columnIndices.count, rowIndices.count < Int(Int32.max) else {
      return nil
    }
    var rowCounts = [Int32](repeating: 0, count: rows + 1)
    var columnCounts = [Int32](repeating: 0, count: columns + 1)
    var previous = -1
    for (row, column) in zip(rowIndices, columnIndices) {
      guard row >= 0, column >= 0, row < rows, column < columns else { return nil }
      let place = Int(row) * columns + Int(column)
      guard place > previous else { return nil }
      previous = place
      rowCounts[Int(row) + 1] += 1
      columnCounts[Int(column) + 1] += 1
    }
    for row in 0..<rows { rowCounts[row + 1] += rowCounts[row] }
    for column in 0..<columns { columnCounts[column + 1] += columnCounts[column] }
    var next = columnCounts
    var byColumn = [Int32](repeating: 0, count: rowIndices.count)
    var order = byColumn
    for (element, (row, column)) in zip(rowIndices, columnIndices).enumerated() {
      let place = Int(next[Int(column)])
      next[Int(column)] += 1
      (byColumn[place], order[place]) = (row, Int32(element))
    }
    (self.rows, self.columns) = (rows, columns)
    (offsets, self.columnIndices) = (rowCounts, columnIndices)
    (columnOffsets, rowsByColumn, self.order) = (columnCounts, byColumn, order)
  }

  /// The whole matrix `[M, N]`, with zeros elsewhere.
  ///
  /// - Parameter values: `[count]`.
  /// - Returns: new memory.
  public func dense(_ values: Tensor) -> Tensor {
    precondition(values.count == count, "dense: \(values.shape) values for \(count) places")
    var result = [Float](repeating: 0, count: rows * columns)
    let values = values.array
    for row in 0..<rows {
      for element in Int(offsets[row])..<Int(offsets[row + 1]) {
        result[row * columns + Int(columnIndices[element])] = values[element]
      }
    }
    return Tensor(result, shape: [rows, columns])
  }
}
