/// What can be changed while a training runs.
public struct Hyperparameters: Sendable, Hashable, Codable {
  /// The full learning rate, which the schedule multiplies.
  public var learningRate: Double
  /// The norm to which gradients are clipped; nil for no clipping.
  public var maximumGradientNorm: Double?
  /// The strength of the noise on embeddings; nil for none.
  public var embeddingNoise: Double?

  /// Hyperparameters from their values.
  public init(
    learningRate: Double, maximumGradientNorm: Double? = nil, embeddingNoise: Double? = nil
  ) {
    self.learningRate = learningRate
    self.maximumGradientNorm = maximumGradientNorm
    self.embeddingNoise = embeddingNoise
  }

  /// A change of one of them.
  public struct Change: Sendable, Hashable {
    /// The first step, counted from 1, that is taken with the new value.
    public let step: Int
    /// Which one: `learning_rate`, `clip` or `noise`.
    public let name: String
    /// The value before; nil for none.
    public let old: Double?
    /// The value from this step on; nil for none.
    public let new: Double?

    /// A change from its parts.
    public init(step: Int, name: String, old: Double?, new: Double?) {
      (self.step, self.name, self.old, self.new) = (step, name, old, new)
    }
  }

  /// What must be changed to come to others before a step.
  func changes(to others: Hyperparameters, before step: Int) -> [Change] {
    [
      ("learning_rate", learningRate, others.learningRate),
      ("clip", maximumGradientNorm, others.maximumGradientNorm),
      ("noise", embeddingNoise, others.embeddingNoise),
    ].filter { $0.1 != $0.2 }.map { Change(step: step, name: $0.0, old: $0.1, new: $0.2) }
  }
}

extension Trainer {
  /// What the next step is taken with, unless the schedule or `adjust` change it.
  public var hyperparameters: Hyperparameters {
    get {
      Hyperparameters(
        learningRate: optimizer.learningRate, maximumGradientNorm: maximumGradientNorm,
        embeddingNoise: model.embeddingNoise)
    }
    set {
      precondition(
        newValue.learningRate >= 0 && newValue.maximumGradientNorm ?? 1 > 0
          && newValue.embeddingNoise ?? 0 >= 0,
        "Trainer: hyperparameters \(newValue)")
      optimizer.learningRate = newValue.learningRate
      maximumGradientNorm = newValue.maximumGradientNorm
      model.embeddingNoise = newValue.embeddingNoise
    }
  }
}
