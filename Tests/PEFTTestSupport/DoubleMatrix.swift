public import PEFTTensor

/// A small row-major matrix of doubles, for references.
public struct DoubleMatrix: Equatable {
  /// The number of rows.
  public var rows: Int
  /// The number of columns.
  public var columns: Int
  /// The elements, row by row.
  public var values: [Double]

  /// A matrix from its elements, row by row.
  public init(_ values: [Double], rows: Int, columns: Int) {
    precondition(values.count == rows * columns)
    (self.values, self.rows, self.columns) = (values, rows, columns)
  }

  /// A matrix of zeros.
  public init(rows: Int, columns: Int) {
    self.init(Array(repeating: 0, count: rows * columns), rows: rows, columns: columns)
  }

  /// The elements of a tensor, all axes but the last flattened.
  public init(_ tensor: Tensor) {
    self.init(tensor.array.map(Double.init), rows: tensor.rows, columns: tensor.columns)
  }

  /// The identity.
  public static func identity(_ size: Int) -> DoubleMatrix {
    var result = DoubleMatrix(rows: size, columns: size)
    for index in 0..<size { result[index, index] = 1 }
    return result
  }

  /// The element at a place.
  public subscript(row: Int, column: Int) -> Double {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  /// One row.
  public func row(_ index: Int) -> [Double] {
    Array(values[index * columns..<(index + 1) * columns])
  }

  /// Rows and columns exchanged.
  public var transposed: DoubleMatrix {
    var result = DoubleMatrix(rows: columns, columns: rows)
    for row in 0..<rows { for column in 0..<columns { result[column, row] = self[row, column] } }
    return result
  }

  /// The matrix product.
  public static func * (left: DoubleMatrix, right: DoubleMatrix) -> DoubleMatrix {
    precondition(left.columns == right.rows)
    var result = DoubleMatrix(rows: left.rows, columns: right.columns)
    left.values.withUnsafeBufferPointer { a in
      right.values.withUnsafeBufferPointer { b in
        result.values.withUnsafeMutableBufferPointer { c in
          for row in 0..<left.rows {
            for inner in 0..<left.columns {
              let factor = a[row * left.columns + inner]
              for column in 0..<right.columns {
                c[row * right.columns + column] += factor * b[inner * right.columns + column]
              }
            }
          }
        }
      }
    }
    return result
  }

  /// The square root of the sum of the squares.
  public var norm: Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}
