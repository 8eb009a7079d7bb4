/// How long and how a trainer trains.
public struct TrainerSettings: Sendable, Hashable, Codable {
  /// The length of a training.
  public enum Duration: Sendable, Hashable, Codable {
    /// A number of optimiser steps.
    case steps(Int)
    /// A number of passes over the data.
    case epochs(Int)
  }

  /// The length of the training.
  public var duration: Duration
  /// How many batches make a step; the last step of an epoch takes what is left.
  ///
  /// Every label has the same weight, whichever batch it is in: the gradient is that of one large batch.
  public var accumulation: Int
  /// The norm to which gradients are clipped; nil for no clipping.
  public var maximumGradientNorm: Double?
  /// After how many steps the evaluation data are run through, again and again; nil for once at the end.
  public var evaluationInterval: Int?

  /// Settings for a training.
  public init(
    duration: Duration, accumulation: Int = 1, maximumGradientNorm: Double? = nil,
    evaluationInterval: Int? = nil
  ) {
    precondition(
      accumulation > 0 && evaluationInterval ?? 1 > 0 && maximumGradientNorm ?? 1 > 0,
      "TrainerSettings: accumulation \(accumulation), evaluation every \(evaluationInterval ?? 0)"
        + " steps, gradient norm \(maximumGradientNorm ?? 0)")
    self.duration = duration
    self.accumulation = accumulation
    self.maximumGradientNorm = maximumGradientNorm
    self.evaluationInterval = evaluationInterval
  }
}
