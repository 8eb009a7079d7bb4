extension Tensor {
  /// The matrix product over the last two axes: `[..., N, K]` times `[..., K, M]` is `[..., N, M]`.
  ///
  /// Leading axes must agree, or the right operand has none. Saves both operands; 2 N K M flops a matrix,
  /// twice that backward.
  public func matrixProduct(_ right: Tensor) -> Tensor {
    precondition(
      shape.count >= 2 && right.shape.count >= 2
        && shape[shape.count - 1] == right.shape[right.shape.count - 2]
        && (right.shape.count == 2 || shape.dropLast(2) == right.shape.dropLast(2)),
      "matrixProduct: shapes \(shape) and \(right.shape)")
    let (k, m) = (columns, right.columns)
    // One right operand for all: the rows of the left ones follow each other.
    let single = right.shape.count == 2
    let n = single ? rows : shape[shape.count - 2]
    let batch = single ? 1 : shape.dropLast(2).reduce(1, *)
    let left = single ? matrix.reshaped([1, n, k]) : contiguous.reshaped([batch, n, k])
    let rightBatch = single ? right.reshaped([1, k, m]) : right.contiguous.reshaped([batch, k, m])
    let result = Tensor(uninitialized: shape.dropLast() + [m])
    let output = result.reshaped([batch, n, m])
    let (a, b) = (left.detached, rightBatch.detached)
    for index in 0..<batch {
      Kernels.multiply(
        .init(a.entry(index)), .none, .init(b.entry(index)), to: .init(output.entry(index)))
    }
    return result.recorded(from: [left, rightBatch]) { gradient, inputs in
      let gradient = gradient.contiguous.reshaped([batch, n, m])
      inputs[0]?.accumulate { destination, beta in
        let destination = destination.reshaped([batch, n, k])
        for index in 0..<batch {
          Kernels.multiply(
            .init(gradient.entry(index)), .none, .init(b.entry(index)), .transposed, beta: beta,
            to: .init(destination.entry(index)))
        }
      }
      inputs[1]?.accumulate { destination, beta in
        let destination = destination.reshaped([batch, k, m])
        for index in 0..<batch {
          Kernels.multiply(
            .init(a.entry(index)), .transposed, .init(gradient.entry(index)), beta: beta,
            to: .init(destination.entry(index)))
        }
      }
    }
  }
}
