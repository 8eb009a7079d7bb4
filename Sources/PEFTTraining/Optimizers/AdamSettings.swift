import PEFTTensor

/// The numbers of Adam, and what they come to at a step.
struct AdamSettings {
  let betas: (first: Double, second: Double)
  let epsilon: Double
  let weightDecay: Double

  init(
    _ name: String, betas: (first: Double, second: Double), epsilon: Double, weightDecay: Double
  ) {
    precondition(
      (0..<1).contains(betas.first) && (0..<1).contains(betas.second) && epsilon >= 0
        && weightDecay >= 0,
      "\(name): betas \(betas), epsilon \(epsilon), weight decay \(weightDecay)")
    (self.betas, self.epsilon, self.weightDecay) = (betas, epsilon, weightDecay)
  }

  /// The settings of a step of a parameter, counted from 1.
  func at(
    step: Int, rate: Double, decay: Double?, gradientScale: Float
  ) -> OptimizerKernels.AdamW {
    let corrections = (1 - power(betas.first, step), 1 - power(betas.second, step))
    return OptimizerKernels.AdamW(
      gradientScale: gradientScale, rate: rate, decay: decay ?? weightDecay, beta1: betas.first,
      beta2: betas.second, stepSize: rate / corrections.0,
      inverseRootCorrection2: 1 / corrections.1.squareRoot(), epsilon: epsilon)
  }

  /// By squaring: exact enough for corrections, and the same bits on every platform.
  private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, left) = (1.0, base, exponent)
    while left > 0 {
      if left & 1 == 1 { result *= square }
      square *= square
      left >>= 1
    }
    return result
  }
}

extension OptimizerKernels {
  /// One step of AdamW with both moments in the same form.
  static func adamW(
    _ parameter: Parameter, gradient: Tensor, _ moments: [Moment], _ settings: AdamW
  ) {
    switch (moments[0], moments[1]) {
    case (.floats(let first), .floats(let second)):
      adamW(parameter, gradient: gradient, first: first, second: second, settings)
    case (.eightBit(let first), .eightBit(let second)):
      adamW(parameter, gradient: gradient, first: first, second: second, settings)
    default: preconditionFailure("OptimizerKernels.adamW: moments in two forms")
    }
  }
}
