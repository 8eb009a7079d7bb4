public import PEFTTensor
public import PEFTTransformer

/// Stochastic gradient descent, with momentum and weight decay as in PyTorch's `SGD`.
public final class SGD: Optimizer {
  /// What is trained.
  public let groups: [ParameterGroup]
  /// The learning rate; a group multiplies it by a factor of its own.
  public var learningRate: Double
  private let momentum: Double
  private let isNesterov: Bool
  private let weightDecay: Double
  private var moments: Moments

  /// An optimiser of groups of parameters.
  ///
  /// - Parameters:
  ///   - groups: what is trained; no parameter twice.
  ///   - learningRate: how far a step goes.
  ///   - momentum: how much of the last direction is kept; 0 keeps no state.
  ///   - isNesterov: whether the gradient is looked at one step ahead.
  ///   - weightDecay: added to the gradient, in groups without one of their own.
  public init(
    _ groups: [ParameterGroup], learningRate: Double = 1e-3, momentum: Double = 0,
    isNesterov: Bool = false, weightDecay: Double = 0
  ) {
    precondition(
      momentum >= 0 && weightDecay >= 0 && (momentum > 0 || !isNesterov),
      "SGD: momentum \(momentum), nesterov \(isNesterov), weight decay \(weightDecay)")
    self.groups = groups
    self.learningRate = learningRate
    self.momentum = momentum
    self.isNesterov = isNesterov
    self.weightDecay = weightDecay
    moments = Moments(momentum > 0 ? ["momentum_buffer"] : [], for: groups)
  }

  /// An optimiser of parameters that are all treated alike.
  public convenience init(
    _ parameters: [NamedParameter], learningRate: Double = 1e-3, momentum: Double = 0,
    isNesterov: Bool = false, weightDecay: Double = 0
  ) {
    self.init(
      [ParameterGroup(parameters)], learningRate: learningRate, momentum: momentum,
      isNesterov: isNesterov, weightDecay: weightDecay)
  }

  /// Changes every parameter that has a gradient, in place.
  public func update(gradientScale: Float) {
    for group in groups {
      let rate = learningRate * group.learningRateFactor
      for parameter in group.parameters.map(\.parameter) {
        guard let gradient = parameter.gradient else { continue }
        let entry = moments.advance(parameter)
        OptimizerKernels.sgd(
          parameter, gradient: gradient, velocity: entry.tensors.first,
          gradientScale: gradientScale, rate: Float(rate),
          decay: Float(group.weightDecay ?? weightDecay), momentum: Float(momentum),
          isFirst: entry.step == 1, isNesterov: isNesterov)
      }
    }
  }

  /// A copy of what is remembered of each parameter.
  public var state: [String: Tensor] { moments.state }

  /// Takes over a state that `state` gave for the same parameters.
  public func restore(_ state: [String: Tensor]) throws(TrainingError) {
    try moments.restore(state)
  }
}
