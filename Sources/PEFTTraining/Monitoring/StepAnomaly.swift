/// A step that is not as it should be.
public struct StepAnomaly: Sendable, Hashable {
  /// What is wrong.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The loss is NaN or infinite.
    case nonFiniteLoss = "non-finite loss"
    /// A gradient is NaN or infinite.
    case nonFiniteGradient = "non-finite gradient"
    /// The loss is far above those before it.
    case lossSpike = "loss spike"
    /// The norm of the gradients is far above those before it.
    case gradientSpike = "gradient spike"
  }

  /// What is done with such a step.
  public enum Reaction: String, Sendable, Hashable, CaseIterable, Codable {
    /// The training ends with the parameters as they were before the step.
    case stop
    /// The step counts, but the parameters stay as they were.
    case skip
    /// The step is taken all the same; one that is not finite is skipped.
    case note
  }

  /// The number of the step, from 1.
  public let step: Int
  /// What is wrong.
  public let kind: Kind
  /// The mean loss of its labels, in nats.
  public let loss: Double
  /// The norm of the gradients; NaN where they were not computed.
  public let gradientNorm: Double
  /// What is done.
  public let reaction: Reaction
  /// Where its batches are; nil where they were not written.
  public let file: String?

  /// An anomaly from its parts.
  public init(
    step: Int, kind: Kind, loss: Double, gradientNorm: Double, reaction: Reaction, file: String?
  ) {
    (self.step, self.kind, self.loss) = (step, kind, loss)
    (self.gradientNorm, self.reaction, self.file) = (gradientNorm, reaction, file)
  }
}
