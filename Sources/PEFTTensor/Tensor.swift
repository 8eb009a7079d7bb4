/// A row-major array of float32 with a shape, and the place in the graph that computed it.
///
/// The last axis is dense. All rows (everything before the last axis, flattened) are `rowStride`
/// elements apart, so a range of columns or of leading rows is a view without a copy. Storage is
/// shared: no public operation changes the elements of a tensor that exists.
///
/// A tensor is not `Sendable`: a model and what it computes belong to one isolation.
public struct Tensor {
  /// The size of every axis; empty for a scalar.
  public let shape: [Int]
  package var storage: Storage
  package let offset: Int
  package let rowStride: Int
  package var node: Node?

  package init(storage: Storage, offset: Int, shape: [Int], rowStride: Int? = nil) {
    self.shape = shape
    self.storage = storage
    self.offset = offset
    self.rowStride = rowStride ?? shape.last ?? 1
    let rows = shape.dropLast().reduce(1, *)
    precondition(
      rows == 0 || shape.last == 0
        || (offset + (rows - 1) * self.rowStride + (shape.last ?? 1)) * 4 <= storage.byteCount,
      "Tensor: shape \(shape) with row stride \(self.rowStride) leaves its storage")
  }

  /// New memory with undefined contents.
  package init(uninitialized shape: [Int]) {
    let count = shape.reduce(1, *)
    self.init(storage: Storage(byteCount: count * 4), offset: 0, shape: shape)
  }

  /// A tensor of `values` in row-major order.
  ///
  /// - Parameters:
  ///   - values: as many as the sizes in `shape` multiply to.
  ///   - shape: the size of every axis.
  public init(_ values: [Float], shape: [Int]) {
    precondition(
      shape.reduce(1, *) == values.count, "Tensor: \(values.count) values for shape \(shape)")
    self.init(uninitialized: shape)
    Kernels.copy(values, to: self)
  }

  /// A vector.
  public init(_ values: [Float]) { self.init(values, shape: [values.count]) }

  /// A scalar.
  public init(_ value: Float) { self.init([value], shape: []) }

  /// A tensor in which every element is `value`.
  public init(repeating value: Float, shape: [Int]) {
    self.init(uninitialized: shape)
    Kernels.fill(self, with: value)
  }

  /// A tensor of zeros.
  public init(zeros shape: [Int]) { self.init(repeating: 0, shape: shape) }

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }
  /// The size of the last axis; 1 for a scalar.
  public var columns: Int { shape.last ?? 1 }
  /// The number of rows: the product of all axes but the last.
  public var rows: Int { shape.dropLast().reduce(1, *) }
  /// Whether the rows follow each other without a gap.
  public var isContiguous: Bool { rowStride == columns || rows <= 1 }
  /// Whether a gradient would flow into what this tensor was computed from.
  public var needsGradient: Bool { node != nil }

  /// The same elements, cut off from the graph.
  public var detached: Tensor {
    var copy = self
    copy.node = nil
    return copy
  }

  /// The elements in row-major order.
  ///
  /// - Complexity: linear; a copy.
  public var array: [Float] { Kernels.array(self) }

  /// The value of a tensor with exactly one element.
  public var item: Float {
    precondition(count == 1, "Tensor.item: shape \(shape) has \(count) elements")
    return array[0]
  }
}

extension Tensor: CustomStringConvertible {
  /// The shape and the first elements.
  public var description: String {
    let head = array.prefix(8).map { "\($0)" }.joined(separator: ", ")
    return "Tensor\(shape) [\(head)\(count > 8 ? ", ..." : "")]"
  }
}
