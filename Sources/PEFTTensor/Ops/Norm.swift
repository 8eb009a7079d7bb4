extension Tensor {
  /// Layer normalisation of every row (arXiv 1607.06450): `(x - mean) / sqrt(variance + epsilon) * weight + bias`.
  ///
  /// Saves the input, and mean and inverse deviation of every row.
  ///
  /// - Parameters:
  ///   - weight: `[D]`.
  ///   - bias: `[D]`, or nil.
  ///   - epsilon: added to the variance, which is the biased one.
  /// - Returns: a tensor of the same shape.
  public func layerNorm(weight: Tensor, bias: Tensor?, epsilon: Float) -> Tensor {
    precondition(
      weight.shape == [columns] && bias?.shape ?? [columns] == [columns],
      "layerNorm: weight \(weight.shape), bias \(bias?.shape ?? []) for shape \(shape)")
    let x = contiguous
    let result = Tensor(uninitialized: shape)
    let mean = Tensor(uninitialized: [rows])
    let deviation = Tensor(uninitialized: [rows])
    Kernels.layerNorm(
      x, weight: weight, bias: bias, epsilon: epsilon, to: result, mean: mean,
      inverseDeviation: deviation)
    let (saved, scale) = (x.detached, weight.detached)
    return result.recorded(from: [x, weight, bias]) { gradient, inputs in
      gradient = gradient.contiguous
      let dx = inputs[0] == nil ? nil : gradient.reusedOrNew()
      let sums = Kernels.normBackward(
        saved, weight: scale, mean: mean, inverseDeviation: deviation, gradient: gradient, to: dx,
        needsWeight: inputs[1] != nil, needsBias: inputs[2] != nil)
      if let dx { inputs[0]?.accumulate(dx) }
      if let weight = sums.weight { inputs[1]?.accumulate(weight) }
      if let bias = sums.bias { inputs[2]?.accumulate(bias) }
    }
  }

  /// Root-mean-square normalisation of every row (arXiv 1910.07467): `x / sqrt(mean(x^2) + epsilon) * weight`.
  ///
  /// Saves the input and the inverse of every row's root mean square.
  ///
  /// - Parameters:
  ///   - weight: `[D]`.
  ///   - epsilon: added to the mean square.
  /// - Returns: a tensor of the same shape.
  public func rmsNorm(weight: Tensor, epsilon: Float) -> Tensor {
    precondition(weight.shape == [columns], "rmsNorm: weight \(weight.shape) for shape \(shape)")
    let x = contiguous
    let result = Tensor(uninitialized: shape)
    let inverse = Tensor(uninitialized: [rows])
    Kernels.rmsNorm(x, weight: weight, epsilon: epsilon, to: result, inverse: inverse)
    let (saved, scale) = (x.detached, weight.detached)
    return result.recorded(from: [x, weight]) { gradient, inputs in
      gradient = gradient.contiguous
      let dx = inputs[0] == nil ? nil : gradient.reusedOrNew()
      let sums = Kernels.normBackward(
        saved, weight: scale, mean: nil, inverseDeviation: inverse, gradient: gradient, to: dx,
        needsWeight: inputs[1] != nil, needsBias: false)
      if let dx { inputs[0]?.accumulate(dx) }
      if let weight = sums.weight { inputs[1]?.accumulate(weight) }
    }
  }
}
