import PEFTTensor

/// The events of one run of a trainer, made as they are asked for.
final class TrainingRun<Model: TrainableModel, Source: BatchSource>
where Source.Batch == Model.Batch {
  let trainer: Trainer<Model>
  let data: DataFeed<Source>
  private let evaluationData: (any BatchSource<Source.Batch>)?
  let stepsPerEpoch: Int
  let total: Int
  let firstStep: Int
  let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  var dataSeconds = 0.0
  var tokens = 0
  var stepSeconds = 0.0
  var lastLoss: Double?
  private var lastEvaluation: TrainingEvent.Evaluation?
  private var isFinished = false
  private var changes: [Hyperparameters.Change] = []
  private var adjustedStep: Int?
  /// What the last step was taken with.
  private var known: Hyperparameters
  /// What happened already and is told next.
  var waiting: [TrainingEvent] = []
  var failure: TrainingError?
  let ranked: RankedTraining?
  private var hasBegun = false

  init(
    _ trainer: Trainer<Model>, _ data: Source,
    _ evaluationData: (any BatchSource<Source.Batch>)?
  ) {
    self.trainer = trainer
    self.data = DataFeed(data, accumulation: trainer.settings.accumulation)
    self.evaluationData = evaluationData
    stepsPerEpoch = self.data.stepsPerEpoch
    total =
      switch trainer.settings.duration {
      case .steps(let count): count
      case .epochs(let count): count * stepsPerEpoch
      }
    firstStep = trainer.stepCount
    ranked = RankedTraining(trainer)
    start = clock.now
    known = trainer.hyperparameters
  }

  /// Does what is next: a step, an evaluation, or nothing.
  func next() throws(TrainingError) -> TrainingEvent? {
    if !waiting.isEmpty { return waiting.removeFirst() }
    if let failure { throw failure }
    if isFinished { return nil }
    if stepsPerEpoch == 0 { throw .noBatches }
    try begin()
    if isEvaluationDue { return .evaluation(try evaluate()) }
    if !isLast {
      if let change = nextChange() { return .change(change) }
      return try step()
    }
    isFinished = true
    return .finished(
      TrainingEvent.Summary(
        steps: trainer.stepCount, tokens: tokens, seconds: seconds(since: start),
        loss: lastLoss, evaluation: lastEvaluation, dataSeconds: dataSeconds))
  }

  /// Meets the other ranks, before the first event.
  private func begin() throws(TrainingError) {
    if hasBegun { return }
    hasBegun = true
    do throws(CommunicationError) {
      try ranked?.begin(trainer, stepsPerEpoch: stepsPerEpoch, total: total)
    } catch { throw .communication(error) }
  }

  /// Whether no other step follows.
  var isLast: Bool {
    trainer.stepCount >= total || trainer.earlyStopping?.isExhausted == true
  }

  /// Asks once before each step what is to be changed, and tells one change after the other, by whomever it was made.
  private func nextChange() -> Hyperparameters.Change? {
    let done = trainer.stepCount
    if adjustedStep != done {
      adjustedStep = done
      var values = trainer.hyperparameters
      if let adjust = trainer.adjust {
        adjust(TrainingProgress(step: done + 1, total: total), &values)
        trainer.hyperparameters = values
      }
      changes = known.changes(to: values, before: done + 1)
      known = values
    }
    return changes.isEmpty ? nil : changes.removeFirst()
  }

  private var isEvaluationDue: Bool {
    let step = trainer.stepCount
    guard evaluationData != nil, trainer.record.lastStep != step else { return false }
    if step >= total { return true }
    guard let interval = trainer.settings.evaluationInterval else { return false }
    return step > 0 && step % interval == 0
  }

  private func evaluate() throws(TrainingError) -> TrainingEvent.Evaluation {
    guard let evaluationData else { throw .noBatches }
    func measure() throws(TrainingError) -> (loss: Double, labels: Int) {
      try trainer.evaluate(evaluationData)
    }
    let (loss, labels) = if let ranked { try ranked.evaluate(measure) } else { try measure() }
    let evaluation = TrainingEvent.Evaluation(
      step: trainer.stepCount, loss: loss, labels: labels,
      isBest: trainer.record.add(step: trainer.stepCount, loss: loss))
    lastEvaluation = evaluation
    _ = trainer.earlyStopping?.shouldStop(after: loss)
    return evaluation
  }
}
