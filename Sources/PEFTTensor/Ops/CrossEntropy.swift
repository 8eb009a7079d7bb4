extension Tensor {
  /// The mean cross-entropy of rows of logits against labels, a scalar.
  ///
  /// Rows with the ignored label count neither in the sum nor in the mean; with no other row the loss is NaN, as in
  /// PyTorch. The gradient is made in the forward pass, where one is needed, and is all that is saved (`[N, V]`).
  ///
  /// - Parameters:
  ///   - labels: one for each row, in `0..<V` or `ignoring`.
  ///   - ignoring: the label of rows that do not count.
  ///   - smoothing: how much of the target is spread evenly over all classes (arXiv 1512.00567).
  /// - Returns: a scalar.
  public func crossEntropy(
    _ labels: Indices, ignoring: Int32 = -100, smoothing: Float = 0
  ) -> Tensor {
    precondition(labels.count == rows, "crossEntropy: \(labels.count) labels, shape \(shape)")
    let classes = columns
    precondition(
      labels.values.allSatisfy { $0 == ignoring || $0 >= 0 && Int($0) < classes },
      "crossEntropy: a label is outside 0..<\(classes)")
    let counted = labels.values.lazy.filter { $0 != ignoring }.count
    let saved = Tensor.records(self) ? Tensor(uninitialized: [rows, classes]) : nil
    let total = Kernels.crossEntropy(
      contiguous, labels.values, ignoring: ignoring, smoothing: smoothing,
      gradientScale: 1 / Float(counted), gradient: saved)
    return Tensor(Float(total / Double(counted))).recorded(from: [self]) { gradient, inputs in
      guard let saved else { return }
      let scale = gradient.item
      if scale != 1 { Kernels.affine(saved, scale: scale, shift: 0, to: saved) }
      inputs[0]?.accumulate(saved)
    }
  }

  /// The natural logarithm of the probability that the softmax of every row gives to its label; 0 where ignored.
  ///
  /// Not recorded: for evaluation.
  public func labelLogProbabilities(_ labels: Indices, ignoring: Int32 = -100) -> [Float] {
    precondition(labels.count == rows, "labelLogProbabilities: \(labels.count) for \(shape)")
    let classes = columns
    precondition(
      labels.values.allSatisfy { $0 == ignoring || $0 >= 0 && Int($0) < classes },
      "labelLogProbabilities: a label is outside 0..<\(classes)")
    return Kernels.labelLogProbabilities(contiguous.detached, labels.values, ignoring: ignoring)
  }
}
