/// How a frozen weight of a linear layer lies in memory, and the products with it.
///
/// A weight W has the shape `[outputs, inputs]` and never changes. Products are float32 sums; how the
/// factors are rounded is what a storage decides. The tensors that products are written to must be
/// new memory, which no other tensor shares, and may have a row stride, as their sources may.
public protocol WeightStorage: Sendable {
  /// The number of rows of W.
  var outputs: Int { get }
  /// The number of columns of W.
  var inputs: Int { get }
  /// The memory that holds W, in bytes.
  var byteCount: Int { get }

  /// W as it is understood by the products, `[outputs, inputs]`.
  ///
  /// - Returns: new memory.
  /// - Complexity: linear in the elements of W.
  func dense() -> Tensor

  /// Sets y = x W^T + beta * y.
  ///
  /// - Parameters:
  ///   - x: `[N, inputs]`.
  ///   - y: `[N, outputs]`; it is not read where `beta` is 0.
  ///   - beta: what is left of y.
  /// - Complexity: 2 N inputs outputs flops; no copy of W.
  func multiply(_ x: Tensor, to y: Tensor, beta: Float)

  /// Sets dx = dy W + beta * dx.
  ///
  /// - Parameters:
  ///   - dy: `[N, outputs]`.
  ///   - dx: `[N, inputs]`; it is not read where `beta` is 0.
  ///   - beta: what is left of dx.
  /// - Complexity: 2 N inputs outputs flops; no copy of W.
  func multiplyTransposed(_ dy: Tensor, to dx: Tensor, beta: Float)
}

extension WeightStorage {
  /// Fails where the shapes of a product do not fit; the last axes of `x` and `y` are inputs and outputs.
  func checkShapes(_ operation: String, x: Tensor, y: Tensor) {
    precondition(
      x.columns == inputs && y.columns == outputs && x.rows == y.rows,
      "\(operation): \(x.shape) and \(y.shape) for a weight [\(outputs), \(inputs)]")
  }
}
