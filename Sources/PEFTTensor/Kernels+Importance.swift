/// The running means of how important weights are, in place.
package enum ImportanceKernels {
  /// The sensitivity `|w g|` and how far it is from its mean, each as a running mean: equations 9 to 11 of AdaLoRA (arXiv 2303.10512).
  ///
  /// An element that is not finite is passed over, since it would stay in the means for ever.
  ///
  /// - Parameters:
  ///   - sensitivity: the running mean of the sensitivity, changed in place.
  ///   - uncertainty: the running mean of the distance from the new mean, changed in place.
  ///   - value: w.
  ///   - gradient: g, before the scale.
  ///   - gradientScale: multiplies the gradient.
  ///   - decays: how much of the two means is kept.
  package static func update(
    sensitivity: Tensor, uncertainty: Tensor, value: Tensor, gradient: Tensor,
    gradientScale: Float, decays: (sensitivity: Float, uncertainty: Float)
  ) {
    precondition(
      [uncertainty, value, gradient].allSatisfy { $0.count == sensitivity.count },
      "importance: shapes \(sensitivity.shape), \(value.shape), \(gradient.shape)")
    let (value, gradient) = (value.contiguous, gradient.contiguous)
    let fresh = (1 - decays.sensitivity, 1 - decays.uncertainty)
    Parallel.run(value.count, grain: Kernels.grain) { _, range in
      let (w, g) = (value.address, gradient.address)
      let (mean, distance) = (sensitivity.address, uncertainty.address)
      for index in range {
        let product = abs(w[index] * (g[index] * gradientScale))
        guard product.isFinite else { continue }
        let next = decays.sensitivity * mean[index] + fresh.0 * product
        mean[index] = next
        distance[index] = decays.uncertainty * distance[index] + fresh.1 * abs(product - next)
      }
    }
  }
}
