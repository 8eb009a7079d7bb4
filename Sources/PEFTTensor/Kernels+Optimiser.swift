internal import CPEFTKernels

/// The arithmetic of one optimiser step, in place on values that nothing else may hold.
package enum OptimizerKernels {
  /// The settings of AdamW at one step.
  package struct AdamW: Sendable {
    package var gradientScale: Float
    package var rate: Double
    package var decay: Double
    package var beta1: Double
    package var beta2: Double
    package var stepSize: Double
    package var inverseRootCorrection2: Double
    package var epsilon: Double

    package init(
      gradientScale: Float, rate: Double, decay: Double, beta1: Double, beta2: Double,
      stepSize: Double, inverseRootCorrection2: Double, epsilon: Double
    ) {
      (self.gradientScale, self.rate, self.decay) = (gradientScale, rate, decay)
      (self.beta1, self.beta2, self.stepSize) = (beta1, beta2, stepSize)
      (self.inverseRootCorrection2, self.epsilon) = (inverseRootCorrection2, epsilon)
    }
  }

  /// One step of AdamW on `parameter` from its gradient; `first` and `second` are the running moments.
  package static func adamW(
    _ parameter: Parameter, gradient: Tensor, first: Tensor, second: Tensor, _ settings: AdamW
  ) {
    parameter.makeValueUnique()
    let (value, gradient) = (parameter.value, gradient.contiguous)
    Parallel.run(value.count, grain: Kernels.grain) { _, range in
      let start = range.lowerBound
      peft_adamw(
        value.address + start, gradient.address + start, first.address + start,
        second.address + start, range.count, settings.gradientScale, settings.rate,
        settings.decay, settings.beta1, settings.beta2, settings.stepSize,
        settings.inverseRootCorrection2, settings.epsilon)
    }
  }

  /// One step of SGD on `parameter`; `velocity` is nil without momentum.
  package static func sgd(
    _ parameter: Parameter, gradient: Tensor, velocity: Tensor?, gradientScale: Float,
    rate: Float, decay: Float, momentum: Float, isFirst: Bool, isNesterov: Bool
  ) {
    parameter.makeValueUnique()
    let (value, gradient) = (parameter.value, gradient.contiguous)
    Parallel.run(value.count, grain: Kernels.grain) { _, range in
      let start = range.lowerBound
      peft_sgd(
        value.address + start, gradient.address + start, velocity.map { $0.address + start },
        range.count, gradientScale, rate, decay, momentum, isFirst ? 1 : 0, isNesterov ? 1 : 0)
    }
  }
}
