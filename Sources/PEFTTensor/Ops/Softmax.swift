extension Tensor {
  /// The softmax of every row of the last axis.
  ///
  /// Saves the result.
  public func softmax() -> Tensor {
    let result = Tensor(uninitialized: shape)
    Kernels.softmax(contiguous.detached, to: result)
    return result.recorded(from: [self]) { gradient, inputs in
      gradient = gradient.contiguous
      let target = gradient.reusedOrNew()
      Kernels.softmaxBackward(result, gradient, to: target)
      inputs[0]?.accumulate(target)
    }
  }
}
