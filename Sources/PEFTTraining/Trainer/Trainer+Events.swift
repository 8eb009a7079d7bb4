extension Trainer {
  /// A training as a sequence of events, each of which is worked for when it is asked for.
  ///
  /// The work is done in the isolation of the caller, who holds it for the time of one step; other tasks of that isolation run between
  /// steps. Leaving the loop stops the training; a cancelled task ends it with `CancellationError` before the next step. Another call
  /// continues.
  ///
  /// - Parameters:
  ///   - data: what to learn from.
  ///   - evaluationData: what to measure the loss on; nil for nothing.
  /// - Returns: the events; iterating throws `TrainingError` or `CancellationError`.
  public func fit<Source: BatchSource>(
    _ data: Source, evaluationData: (any BatchSource<Model.Batch>)? = nil
  ) -> TrainingEvents<Model, Source> where Source.Batch == Model.Batch {
    TrainingEvents(trainer: self, data: data, evaluationData: evaluationData, keeper: nil)
  }
}

/// The events of a training; see `Trainer.fit`.
public struct TrainingEvents<Model: TrainableModel, Source: BatchSource>: AsyncSequence
where Source.Batch == Model.Batch {
  let trainer: Trainer<Model>
  let data: Source
  let evaluationData: (any BatchSource<Source.Batch>)?
  let keeper: CheckpointKeeper<Model>?

  /// Takes the steps of one run.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let run: TrainingRun<Model, Source>
    var keeper: CheckpointKeeper<Model>?

    /// Does what is next and tells it; nil after the end.
    ///
    /// - Parameter actor: the isolation of the caller, which is kept.
    /// - Returns: an event, or nil after the end.
    /// - Throws: `TrainingError`, `CancellationError` where the task was cancelled, and what keeps a checkpoint from being written.
    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws -> TrainingEvent? {
      await Task.yield()
      if Task.isCancelled {
        try keeper?.save(run.trainer)
        throw CancellationError()
      }
      try keeper?.saveIfDue(run.trainer)
      let event = try run.next()
      if case .finished? = event { try keeper?.save(run.trainer) }
      return event
    }
  }

  /// A run that starts after the steps that were taken so far.
  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(run: TrainingRun(trainer, data, evaluationData), keeper: keeper)
  }
}
