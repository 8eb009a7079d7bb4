public import PEFTTransformer

extension Trainer where Model: AdapterHost {
  /// A training as a sequence of events, with a checkpoint after every so many steps, after the last one, and where it is cancelled.
  ///
  /// A cancelled task ends the training with `CancellationError` between two steps, when a checkpoint of the last one is on the disk.
  /// Other than that it is `fit(_:evaluationData:)`. The checkpoint of a step is written when the event after it is asked for.
  ///
  /// - Parameters:
  ///   - data: what to learn from.
  ///   - evaluationData: what to measure the loss on; nil for nothing.
  ///   - checkpoints: where they are written.
  ///   - interval: the steps between two of them.
  /// - Returns: the events; iterating throws `TrainingError`, `CancellationError`, and what keeps a checkpoint from being written.
  public func fit<Source: BatchSource>(
    _ data: Source, evaluationData: (any BatchSource<Model.Batch>)? = nil,
    checkpoints: TrainingCheckpoints, every interval: Int
  ) -> TrainingEvents<Model, Source> where Source.Batch == Model.Batch {
    precondition(interval > 0, "Trainer.fit: a checkpoint every \(interval) steps")
    let keeper = CheckpointKeeper<Model>(interval: interval, savedStep: stepCount) {
      try checkpoints.save($0)
    }
    return TrainingEvents(
      trainer: self, data: data, evaluationData: evaluationData, keeper: keeper)
  }
}

/// Writes the checkpoints of a training, each once; among several ranks the first one does.
struct CheckpointKeeper<Model: TrainableModel> {
  let interval: Int
  /// After how many steps the last one was written, or the training began.
  var savedStep: Int
  let write: (Trainer<Model>) throws -> Void

  /// Writes one where so many steps were taken that it is time.
  mutating func saveIfDue(_ trainer: Trainer<Model>) throws {
    if trainer.stepCount % interval == 0 { try save(trainer) }
  }

  /// Writes one unless it is written.
  mutating func save(_ trainer: Trainer<Model>) throws {
    if trainer.stepCount == savedStep || trainer.communicator.rank > 0 { return }
    try write(trainer)
    savedStep = trainer.stepCount
  }
}
