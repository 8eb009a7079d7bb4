import PEFTTensor
public import PEFTTransformer

/// Adam with decoupled weight decay whose two moments take one byte an element each, a quarter of `AdamW`'s.
///
/// 8-bit Optimizers via Block-wise Quantization (arXiv 2110.02861), with the arithmetic and the codes of bitsandbytes: 256 neighbours
/// share a scale, a step is taken with the moments before they are rounded, and parameters with fewer than 4,096 elements have
/// moments in float32. `state` has the codes of large ones as numbers, with the scales `absmax1` and `absmax2`.
public final class AdamW8bit: MomentOptimizer {
  /// What is trained.
  public let groups: [ParameterGroup]
  /// The learning rate; a group multiplies it by a factor of its own.
  public var learningRate: Double
  private let settings: AdamSettings
  var moments: Moments

  /// From how many elements on a parameter has moments in eight bits.
  private static let smallestCount = 4096

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
      "AdamW8bit", betas: betas, epsilon: epsilon, weightDecay: weightDecay)
    moments = Moments(["state1", "state2"], for: groups) { count in
      count < Self.smallestCount
        ? [.float32, .float32] : [.eightBit(.signed), .eightBit(.unsigned)]
    }
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
