public import PEFTTensor
public import PEFTTransformer

/// Adam with decoupled weight decay.
///
/// Decoupled Weight Decay Regularization (arXiv 1711.05101), with the arithmetic and the defaults of PyTorch's `AdamW`.
/// Two moments of each parameter are kept in float32.
public final class AdamW: Optimizer {
  /// What is trained.
  public let groups: [ParameterGroup]
  /// The learning rate; a group multiplies it by a factor of its own.
  public var learningRate: Double
  private let betas: (first: Double, second: Double)
  private let epsilon: Double
  private let weightDecay: Double
  private var moments: Moments

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
    precondition(
      (0..<1).contains(betas.first) && (0..<1).contains(betas.second) && epsilon >= 0
        && weightDecay >= 0,
      "AdamW: betas \(betas), epsilon \(epsilon), weight decay \(weightDecay)")
    self.groups = groups
    self.learningRate = learningRate
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
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
    for group in groups {
      let rate = learningRate * group.learningRateFactor
      for parameter in group.parameters.map(\.parameter) {
        guard let gradient = parameter.gradient else { continue }
        let entry = moments.advance(parameter)
        let settings = settings(
          step: entry.step, rate: rate, decay: group.weightDecay ?? weightDecay,
          gradientScale: gradientScale)
        OptimizerKernels.adamW(
          parameter, gradient: gradient, first: entry.tensors[0], second: entry.tensors[1],
          settings)
      }
    }
  }

  /// A copy of what is remembered of each parameter.
  public var state: [String: Tensor] { moments.state }

  /// Takes over a state that `state` gave for the same parameters.
  public func restore(_ state: [String: Tensor]) throws(TrainingError) {
    try moments.restore(state)
  }

  private func settings(
    step: Int, rate: Double, decay: Double, gradientScale: Float
  ) -> OptimizerKernels.AdamW {
    let corrections = (1 - power(betas.first, step), 1 - power(betas.second, step))
    return OptimizerKernels.AdamW(
      gradientScale: gradientScale, rate: rate, decay: decay, beta1: betas.first,
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
