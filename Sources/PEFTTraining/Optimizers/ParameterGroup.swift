public import PEFTTransformer

/// Parameters that an optimiser treats alike.
public struct ParameterGroup {
  /// The parameters, each with the path under which its state is saved.
  public var parameters: [NamedParameter]
  /// What the optimiser's learning rate is multiplied by for this group.
  public var learningRateFactor: Double
  /// The weight decay of this group; nil for that of the optimiser.
  public var weightDecay: Double?

  /// A group; by default with the learning rate and the weight decay of the optimiser.
  public init(
    _ parameters: [NamedParameter], learningRateFactor: Double = 1, weightDecay: Double? = nil
  ) {
    self.parameters = parameters
    self.learningRateFactor = learningRateFactor
    self.weightDecay = weightDecay
  }
}
