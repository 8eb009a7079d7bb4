import PEFTTensor
public import PEFTTransformer

/// Adam with decoupled weight decay.
///
/// Decoupled Weight Decay Regularization (arXiv 1711.05101), with the arithmetic and the defaults of PyTorch's `AdamW`.
/// Two moments of each parameter are kept in float32.
public final class AdamW: MomentOptimizer {
  /// What is trained.
  public let groups: [ParameterGroup]
  /// The learning rate; a group multiplies it by a factor of its own.
  public var learningRate: Double
  private let settings: AdamSettings
  var moments: Moments

  /// An optimiser of groups of parameters.
  ///
  /// - Parameters:
  ///   - groups: what is trained; no parameter twice.
  ///   - learningRate: how far a step goes.
  ///   - betas: how much of the running means of the gradient and of its square is kept in a step.
  ///   - epsilon: added to the root of the mean square.
  ///   - weightDecay: of groups without one of their own.
  public init(
    _ groups: [ParameterGroup], learningRate: Double = 1e-3,
    betas: (first: Double, second: Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 1e-2
  ) {
    self.groups = groups
    self.learningRate = learningRate
    settings = AdamSettings(
      "AdamW", betas: betas, epsilon: epsilon, weightDecay: weightDecay)
    moments = Moments(["exp_avg", "exp_avg_sq"], for: groups)
  }

  /// An optimiser of parameters that are all treated alike.
  public convenience init(
    _ parameters: [NamedParameter], learningRate: Double = 1e-3,
    betas: (first: Double, second: Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 1e-2
  ) {
    self.init(
      [ParameterGroup(parameters)], learningRate: learningRate, betas: betas, epsilon: epsilon,
      weightDecay: weightDecay)
  }

  /// Changes every parameter that has a gradient, in place.
  public func update(gradientScale: Float) {
    moments.forEachGradient(groups) { group, parameter, gradient, entry in
      let rate = learningRate * group.learningRateFactor
      OptimizerKernels.adamW(
        parameter, gradient: gradient, entry.moments,
        settings.at(
          step: entry.step, rate: rate, decay: group.weightDecay, gradientScale: gradientScale))
    }
  }
}
