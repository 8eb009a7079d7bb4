import PEFTAdapters
import PEFTJSON
import PEFTTensor
import PEFTTraining
import PEFTTransformer

/// The steps of `peft train`, of whatever model, with what is shown, logged and kept of them.
struct TrainingSession {
  /// How it is trained.
  let plan: TrainingPlan
  /// When checkpoints are written, and from which one it goes on.
  let course: CheckpointPlan
  /// When it ends, which weights it keeps, and what changes on the way.
  let control: TrainingControl
  /// What is kept of its course.
  let logs: [TrainingLogs.Format]
  /// The options of the command, for the log.
  let arguments: Arguments
  /// The folder that is written.
  let output: String
  /// The processes that train; the first alone measures, shows and writes.
  let ranks: Ranks
  /// Writes what belongs to an adapter besides into the folder of a checkpoint.
  var besides: (_ folder: String) throws -> Void = { _ in }

  /// What came of it.
  struct Outcome {
    /// The last event.
    let summary: TrainingEvent.Summary
    /// The median time of a step in seconds; nil where there was none.
    let medianStep: Double?
    /// After how many steps the weights stood as they are saved.
    let savedStep: Int
    /// What is kept of the course.
    let logs: TrainingLogs
  }

  /// Makes every weight trainable, or puts an adapter on, and says how much is trained then.
  ///
  /// - Parameters:
  ///   - model: what is trained, frozen.
  ///   - merged: whether it has to be possible to merge the adapter.
  ///   - attach: puts the adapter on; not called for a training of all weights.
  /// - Throws: what `attach` throws, and `AdapterError` where it cannot be merged but has to be.
  func prepare(_ model: some AdapterHost, merged: Bool, attach: () throws -> Void) throws {
    let total = model.parameterCount()
    if plan.isFull { model.unfreeze() } else { try attach() }
    if merged {
      // A method that cannot be merged says so before it is trained.
      try model.merge()
      try model.unmerge()
    }
    let trainable = model.parameterCount(.trainable)
    Console.print(
      "trainable \(trainable.grouped) of \(total.grouped) parameters "
        + "(\((100 * Double(trainable) / Double(total)).rounded(digits: 2)) %)")
  }

  /// Makes the folder that is written; all processes may use it then.
  ///
  /// - Parameter content: what is written.
  /// - Throws: `CommandError` where it holds something else, and what keeps it from being made.
  func prepareOutput(_ content: OutputFolder.Content) throws {
    if ranks.isFirst { try OutputFolder.prepare(output, for: content) }
    try ranks.communicator.barrier()
  }

  /// Trains.
  ///
  /// - Parameters:
  ///   - model: what is trained.
  ///   - batches: what it learns from.
  ///   - evaluation: what the loss is measured on while it is trained; nil for nothing.
  ///   - before: what was measured before the first step, for the log; nil for nothing.
  ///   - samples: what the model writes on its way; nil for nothing.
  /// - Returns: what came of it.
  /// - Throws: `CommandError.interrupted` after a signal, and what goes wrong in a step, a log or a checkpoint.
  func train<Model: TrainableModel & PretrainedModel>(
    _ model: Model, _ batches: some BatchSource<Model.Batch>,
    evaluation: (any BatchSource<Model.Batch>)?, before: (loss: Double, labels: Int)? = nil,
    samples: Samples? = nil
  ) throws -> Outcome {
    model.checkpointsActivations = arguments.isOn("checkpoint-activations")
    let trainer = Trainer(
      model, optimizer: try plan.makeOptimizer(model, folder: output), schedule: plan.schedule,
      settings: plan.settings)
    try control.prepare(trainer, plan, output: output)
    if let start = course.start { try start.restore(trainer) }
    trainer.communicator = ranks.communicator
    showRanks(trainer)
    let held = plan.settings.evaluationInterval == nil ? nil : evaluation
    let interruption = course.interval.map { _ in Interruption() }
    let view = TrainingView("training")
    let logs = try TrainingLogs(
      ranks.isFirst ? logs : [], in: output, goingOnAfter: course.start?.step)
    func sample(_ step: Int, _ average: WeightAverage? = nil) throws {
      guard ranks.isFirst else { return }
      let entries = try samples?.entries(step: step, average) ?? []
      view.show(samples: entries)
      for entry in entries { try logs.write(entry) }
    }
    if course.start == nil {
      try logs.writeStart(arguments, plan, model)
      if let before {
        try logs.write(
          LogEntry(
            .evaluation(.init(step: 0, loss: before.loss, labels: before.labels, isBest: false))))
      }
      try sample(0)
    }
    var summary: TrainingEvent.Summary?
    try trainer.run(batches, evaluationData: held) { event in
      view.show(event)
      try logs.write(event, model)
      switch event {
      case .finished(let finished): summary = finished
      case .evaluation(let evaluation):
        if control.keepsBest, evaluation.isBest, ranks.isFirst {
          try course.saveBest(trainer, besides: besides)
        }
      case .change, .anomaly: break
      case .step(let step):
        if samples?.areDue(after: step.progress.step) == true {
          try sample(step.progress.step, trainer.average)
        }
        let isStopped = try interruption.map { try ranks.any($0.hasCome) } ?? false
        if ranks.isFirst {
          try course.save(
            trainer, isLast: isStopped || step.progress.step == step.progress.total,
            besides: besides)
        }
        return !isStopped
      }
      return true
    }
    view.finish()
    guard let summary else {
      // The others end when the checkpoint is written, and not before.
      try ranks.finish()
      throw CommandError.interrupted(
        step: trainer.stepCount, path: course.checkpoints.path(step: trainer.stepCount))
    }
    let savedStep =
      ranks.isFirst ? try control.finish(trainer, course.checkpoints) : trainer.stepCount
    try sample(savedStep)
    let taken = summary.steps - (course.start?.step ?? 0)
    if let loss = summary.loss {
      Console.print(
        "\(taken) \(taken == 1 ? "step" : "steps") in \(summary.seconds.rounded(digits: 1)) s, "
          + "\(summary.dataSeconds.rounded(digits: 3)) s of them waiting for data, loss of the last "
          + "\(loss.rounded(digits: 4)) nats")
    }
    return Outcome(
      summary: summary, medianStep: view.medianStep, savedStep: savedStep, logs: logs)
  }

  /// Says how many processes train, and what they send.
  private func showRanks<Model>(_ trainer: Trainer<Model>) {
    guard ranks.areSeveral else { return }
    let trained = trainer.optimizer.groups.flatMap(\.parameters)
    let bytes = trained.reduce(0) { $0 + 4 * $1.parameter.count }
    Console.print(
      "\(ranks.communicator.count) ranks, each of which sends \(bytes.grouped) bytes of gradients a step"
    )
  }

  /// What every training tells programs.
  func result(_ model: some PretrainedModel, _ outcome: Outcome) -> [JSON.Member] {
    let summary = outcome.summary
    let trainable =
      plan.isFull
      ? model.parameterCount() : (try? model.adapter("default").parameterCount) ?? 0
    return [
      .init("method", .string(plan.methodName)), .init("trainable", .integer(trainable)),
      .init("parameters", .integer(model.baseParameterCount)),
      .init("steps", .integer(summary.steps)),
      .init("ranks", .integer(ranks.communicator.count)),
      .init("loss", summary.loss.map(JSON.number) ?? .null),
      .init("train_s", .number(summary.seconds)),
      .init("data_wait_s", .number(summary.dataSeconds)),
      .init("tokens_per_s", .number(Double(summary.tokens) / max(summary.seconds, 1e-9))),
      .init("median_step_s", outcome.medianStep.map(JSON.number) ?? .null),
      .init("peak_bytes", ProcessMemory.current.map { .integer($0.peak) } ?? .null),
    ]
  }
}
