/// Something that happened in a training.
public enum TrainingEvent: Sendable, Hashable {
  /// An optimiser step was taken.
  case step(Step)
  /// The evaluation data were run through.
  case evaluation(Evaluation)
  /// A hyperparameter was changed, for the step that comes next.
  case change(Hyperparameters.Change)
  /// A step is not as it should be; comes before that step, or before the error that ends the training.
  case anomaly(StepAnomaly)
  /// The last step was taken, or evaluations have stopped getting better; it is evaluated where there are evaluation data.
  case finished(Summary)

  /// An optimiser step.
  public struct Step: Sendable, Hashable {
    /// Its number, from 1, and how many there are.
    public let progress: TrainingProgress
    /// How many epochs were run through after it.
    public let epoch: Double
    /// The mean loss of its labels, without penalties, in nats.
    public let loss: Double
    /// How many tokens it ran over.
    public let tokens: Int
    /// Tokens by the time of the step.
    public let tokensPerSecond: Double
    /// The learning rate it was taken with.
    public let learningRate: Double
    /// The norm of the gradients, before clipping.
    public let gradientNorm: Double
    /// How many seconds the remaining steps take at the pace of this training so far.
    public let secondsLeft: Double
    /// How many seconds it waited for its batches.
    public let dataSeconds: Double
    /// Where its time went; nil where nobody measured.
    public let times: StepTimes?
    /// Whether the parameters stayed as they were, because of an anomaly.
    public let isSkipped: Bool

    /// A step from its figures.
    public init(
      progress: TrainingProgress, epoch: Double, loss: Double, tokens: Int,
      tokensPerSecond: Double, learningRate: Double, gradientNorm: Double, secondsLeft: Double,
      dataSeconds: Double = 0, times: StepTimes? = nil, isSkipped: Bool = false
    ) {
      (self.progress, self.epoch, self.loss, self.tokens) = (progress, epoch, loss, tokens)
      (self.tokensPerSecond, self.learningRate) = (tokensPerSecond, learningRate)
      (self.gradientNorm, self.secondsLeft) = (gradientNorm, secondsLeft)
      (self.dataSeconds, self.times, self.isSkipped) = (dataSeconds, times, isSkipped)
    }
  }

  /// A pass over the evaluation data.
  public struct Evaluation: Sendable, Hashable {
    /// After how many steps.
    public let step: Int
    /// The mean loss of all labels, in nats.
    public let loss: Double
    /// How many labels there are.
    public let labels: Int
    /// Whether every earlier evaluation of this training had a larger loss.
    public let isBest: Bool

    /// An evaluation from its figures.
    public init(step: Int, loss: Double, labels: Int, isBest: Bool) {
      (self.step, self.loss, self.labels, self.isBest) = (step, loss, labels, isBest)
    }
  }

  /// A finished training.
  public struct Summary: Sendable, Hashable {
    /// How many steps were taken in all.
    public let steps: Int
    /// How many tokens this run ran over.
    public let tokens: Int
    /// How long this run took.
    public let seconds: Double
    /// The loss of the last step of this run; nil where it took none.
    public let loss: Double?
    /// The last evaluation of this run.
    public let evaluation: Evaluation?
    /// How many of the seconds were spent waiting for batches.
    public let dataSeconds: Double

    /// A summary from its figures.
    public init(
      steps: Int, tokens: Int, seconds: Double, loss: Double?, evaluation: Evaluation?,
      dataSeconds: Double = 0
    ) {
      (self.steps, self.tokens, self.seconds) = (steps, tokens, seconds)
      (self.loss, self.evaluation, self.dataSeconds) = (loss, evaluation, dataSeconds)
    }
  }
}
