public import PEFTTensor

/// Which optimiser step of how many a training is at.
public struct TrainingProgress: Sendable, Hashable {
  /// The number of the step, from 1.
  public let step: Int
  /// How many steps there are.
  public let total: Int

  /// A place from its numbers.
  public init(step: Int, total: Int) {
    self.step = step
    self.total = total
  }
}

/// Takes part in every step of a trainer, as adapters do that choose their rank while they train.
///
/// The calls of a step come in the order in which they stand here; all are optional.
public protocol TrainingObserver: AnyObject {
  /// Before the first forward pass of a step.
  func stepWillBegin(_ progress: TrainingProgress)

  /// Added to the loss of the step, once; nil for nothing.
  func penalty(_ progress: TrainingProgress) -> Tensor?

  /// After the last backward pass; the gradients are complete but for the scale that clips them.
  func parametersWillChange(_ progress: TrainingProgress, gradientScale: Float)

  /// After the optimiser changed the parameters and cleared the gradients.
  func parametersDidChange(_ progress: TrainingProgress)
}

extension TrainingObserver {
  /// Does nothing.
  public func stepWillBegin(_ progress: TrainingProgress) {}
  /// Adds nothing.
  public func penalty(_ progress: TrainingProgress) -> Tensor? { nil }
  /// Does nothing.
  public func parametersWillChange(_ progress: TrainingProgress, gradientScale: Float) {}
  /// Does nothing.
  public func parametersDidChange(_ progress: TrainingProgress) {}
}
