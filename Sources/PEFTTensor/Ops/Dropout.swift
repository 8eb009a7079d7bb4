extension Tensor {
  /// Sets elements to zero with a probability and scales the others by `1 / (1 - probability)`.
  ///
  /// Which ones is a function of the key and the place alone, so nothing is saved: backward makes the mask again.
  ///
  /// - Parameters:
  ///   - probability: in `0..<1`; 0 returns the tensor itself.
  ///   - key: chooses the mask.
  /// - Returns: a tensor of the same shape.
  public func dropout(_ probability: Float, key: UInt64) -> Tensor {
    precondition(probability >= 0 && probability < 1, "dropout: probability \(probability)")
    if probability == 0 { return self }
    let result = Tensor(uninitialized: shape)
    Kernels.dropout(contiguous, to: result, probability: probability, key: key)
    return result.recorded(from: [self]) { gradient, inputs in
      gradient = gradient.contiguous
      let target = gradient.reusedOrNew()
      Kernels.dropout(gradient, to: target, probability: probability, key: key)
      inputs[0]?.accumulate(target)
    }
  }
}
