extension Tensor {
  /// The axes in another order.
  ///
  /// Saves nothing; a copy.
  ///
  /// - Parameter axes: every axis number once: axis `i` of the result is axis `axes[i]` of this tensor.
  /// - Returns: a copy with the axes in that order.
  public func permuted(_ axes: [Int]) -> Tensor {
    precondition(
      axes.sorted() == Array(shape.indices), "permuted: axes \(axes) for shape \(shape)")
    let result = Tensor(uninitialized: axes.map { shape[$0] })
    Kernels.permute(detached.contiguous, axes, to: result)
    var inverse = axes
    for (index, axis) in axes.enumerated() { inverse[axis] = index }
    return result.recorded(from: [self]) { gradient, inputs in
      inputs[0]?.accumulate(gradient.permuted(inverse))
    }
  }

  /// The last two axes exchanged; a copy.
  public var transposed: Tensor {
    precondition(shape.count >= 2, "transposed: shape \(shape) has fewer than two axes")
    let last = shape.count - 1
    return permuted(Array(0..<last - 1) + [last, last - 1])
  }
}
