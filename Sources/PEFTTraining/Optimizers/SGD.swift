import PEFTTensor
public import PEFTTransformer

/// Stochastic gradient descent, with momentum and weight decay as in PyTorch's `SGD`.
public final class SGD: MomentOptimizer {
  /// What is trained.
  public let groups: [ParameterGroup]
  /// The learning rate; a group multiplies it by a factor of its own.
  public var learningRate: Double
  private let momentum: Double
  private let isNesterov: Bool
  private let weightDecay: Double
  var moments: Moments

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
    moments.forEachGradient(groups) { group, parameter, gradient, entry in
      var velocity: Tensor?
      if case .floats(let tensor)? = entry.moments.first { velocity = tensor }
      OptimizerKernels.sgd(
        parameter, gradient: gradient, velocity: velocity, gradientScale: gradientScale,
        rate: Float(learningRate * group.learningRateFactor),
        decay: Float(group.weightDecay ?? weightDecay), momentum: Float(momentum),
        isFirst: entry.step == 1, isNesterov: isNesterov)
    }
  }
}
