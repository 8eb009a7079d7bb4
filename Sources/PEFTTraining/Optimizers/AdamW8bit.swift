public import PEFTTensor
public import PEFTTransformer

/// Adam with decoupled weight decay whose two moments take one byte an element each, a quarter of `AdamW`'s.
///
/// 8-bit Optimizers via Block-wise Quantization (arXiv 2110.02861), with the arithmetic and the codes of bitsandbytes: 256 neighbours
/// share a scale, a step is taken with the moments before they are rounded, and parameters with fewer than 4,096 elements have
/// moments in float32.
public final class AdamW8bit: Optimizer {
  /// What is trained.
  public let groups: [ParameterGroup]
  /// The learning rate; a group multiplies it by a factor of its own.
  public var learningRate: Double
  private let settings: AdamSettings
  private var small: Moments
  private var large: EightBitMoments

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
    small = Moments(["state1", "state2"], for: groups)
    large = EightBitMoments(
      groups.flatMap(\.parameters).filter { $0.parameter.count >= Self.smallestCount })
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
        func settings(_ step: Int) -> OptimizerKernels.AdamW {
          self.settings.at(
            step: step, rate: rate, decay: group.weightDecay, gradientScale: gradientScale)
        }
        if parameter.count >= Self.smallestCount {
          let entry = large.advance(parameter)
          OptimizerKernels.adamW(
            parameter, gradient: gradient, first: entry.first, second: entry.second,
            settings(entry.step))
        } else {
          let entry = small.advance(parameter)
          OptimizerKernels.adamW(
            parameter, gradient: gradient, first: entry.tensors[0], second: entry.tensors[1],
            settings(entry.step))
        }
      }
    }
  }

  /// A copy of what is remembered of each parameter: `state1` and `state2`, for large ones as codes with scales `absmax1` and
  /// `absmax2`.
  public var state: [String: Tensor] {
    small.state.merging(large.state) { first, _ in first }
  }

  /// Takes over a state that `state` gave for the same parameters.
  public func restore(_ state: [String: Tensor]) throws(TrainingError) {
    var (newSmall, newLarge) = (small, large)
    try newSmall.restore(newLarge.restore(state))
    (small, large) = (newSmall, newLarge)
  }
}
