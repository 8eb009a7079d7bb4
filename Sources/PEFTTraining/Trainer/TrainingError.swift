/// What can stop training.
public enum TrainingError: Error, Hashable, Sendable {
  /// A loss is NaN or infinite; the parameters are those before the step.
  case nonFiniteLoss(step: Int, loss: Float)
  /// A gradient is NaN or infinite; the parameters are those before the step.
  case nonFiniteGradient(step: Int)
  /// A loss or the norm of its gradients is far above those before; the parameters are those before the step.
  case spike(step: Int, kind: StepAnomaly.Kind, loss: Double, gradientNorm: Double)
  /// The batches of a step cannot be put aside.
  case batchFile(path: String, reason: String)
  /// Not one label counts in the batches of a step; 0 for the evaluation data.
  case noLabels(step: Int)
  /// There is no batch to train on, or to evaluate.
  case noBatches
  /// A batch cannot be read; the parameters are those before the step.
  case data(DataError)
  /// A saved state does not fit what is trained.
  case stateMismatch(name: String, expected: String, found: String)
  /// A checkpoint that is not as it was written.
  case damagedCheckpoint(path: String, expected: String, found: String)
  /// The processes that train together cannot go on.
  case communication(CommunicationError)
  /// A file for the state of an optimiser cannot be made.
  case stateFile(folder: String, bytes: Int, reason: String)
}

extension TrainingError: CustomStringConvertible {
  /// What is wrong, and what can be done.
  public var description: String {
    switch self {
    case .nonFiniteLoss(let step, let loss):
      "the loss of step \(step) is \(loss); the parameters are those before that step. "
        + "A smaller learning rate, more warm-up steps or clipping usually helps."
    case .nonFiniteGradient(let step):
      "a gradient of step \(step) is not finite; the parameters are those before that step. "
        + "A smaller learning rate or more warm-up steps usually helps."
    case .spike(let step, let kind, let loss, let gradientNorm):
      "\(kind.rawValue) in step \(step): the loss is \(loss), the norm of the gradients \(gradientNorm); "
        + "the parameters are those before that step. Look at its rows; a smaller learning rate, clipping, or skipping "
        + "such steps helps."
    case .batchFile(let path, let reason):
      "the batches of a step cannot be written to \(path): \(reason)"
    case .noLabels(let step):
      step == 0
        ? "no label counts in the evaluation data"
        : "no label counts in the batches of step \(step)"
    case .noBatches:
      "the data has no batch: it is empty, or smaller than one batch while incomplete ones are dropped"
    case .data(let error):
      error.description
    case .stateMismatch(let name, let expected, let found):
      "saved state \"\(name)\": expected \(expected), found \(found)"
    case .damagedCheckpoint(let path, let expected, let found):
      "\(path): expected \(expected), found \(found)"
    case .communication(let error):
      error.description
    case .stateFile(let folder, let bytes, let reason):
      "the state of the optimiser needs a file of \(bytes) bytes in \(folder), which cannot be made: \(reason)"
    }
  }
}
