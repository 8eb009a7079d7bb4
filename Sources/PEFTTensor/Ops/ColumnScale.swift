extension Tensor {
  /// Every column times a factor of its own: `x[..., j] * factor[j] + shift[j]`.
  ///
  /// Saves x where the factor needs a gradient. One pass over the rows forward and one backward; no copy of the vectors.
  ///
  /// - Parameters:
  ///   - factor: `[D]`.
  ///   - shift: `[D]`, or nil.
  /// - Returns: a tensor of the same shape.
  public func scaledColumns(by factor: Tensor, plus shift: Tensor? = nil) -> Tensor {
    precondition(
      factor.shape == [columns] && shift?.shape ?? [columns] == [columns],
      "scaledColumns: factor \(factor.shape), shift \(shift?.shape ?? []) for shape \(shape)")
    let x = contiguous
    let result = Tensor(uninitialized: shape)
    Kernels.scaleColumns(x, by: factor, plus: shift, to: result)
    let (saved, scale) = (factor.needsGradient ? x.detached : nil, factor.detached)
    return result.recorded(from: [x, factor, shift]) { gradient, inputs in
      gradient = gradient.contiguous
      if let node = inputs[2] {
        node.accumulateFromZero { Kernels.addColumnSums(gradient.matrix, into: $0) }
      }
      if let node = inputs[1], let saved {
        node.accumulate(Kernels.columnProducts(gradient, saved))
      }
      if let node = inputs[0] {
        let dx = gradient.reusedOrNew()
        Kernels.scaleColumns(gradient, by: scale, plus: nil, to: dx)
        node.accumulate(dx)
      }
    }
  }
}
