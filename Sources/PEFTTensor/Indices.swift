/// Whole numbers with a shape: token ids, labels, positions.
public struct Indices: Sendable, Hashable {
  /// The values in row-major order.
  public var values: [Int32]
  /// The size of every axis.
  public let shape: [Int]

  /// Gives `values` a shape whose sizes multiply to their number.
  public init(_ values: [Int32], shape: [Int]) {
    precondition(
      shape.reduce(1, *) == values.count, "Indices: \(values.count) values for shape \(shape)")
    self.values = values
    self.shape = shape
  }

  /// A vector of values.
  public init(_ values: [Int32]) { self.init(values, shape: [values.count]) }

  /// A matrix whose rows are padded on the right to the longest with `padding`.
  public init(rows: [[Int32]], padding: Int32) {
    let width = rows.map(\.count).max() ?? 0
    self.init(
      rows.flatMap { $0 + Array(repeating: padding, count: width - $0.count) },
      shape: [rows.count, width])
  }

  /// The number of values.
  public var count: Int { values.count }

  /// Row `index` of a matrix.
  public func row(_ index: Int) -> ArraySlice<Int32> {
    precondition(shape.count == 2, "Indices.row: shape \(shape) is no matrix")
    return values[index * shape[1]..<(index + 1) * shape[1]]
  }
}
