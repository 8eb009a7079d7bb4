import PEFTTensor

/// The events of one run of a trainer, made as they are asked for.
final class TrainingRun<Model: TrainableModel, Source: BatchSource>
where Source.Batch == Model.Batch {
  private let trainer: Trainer<Model>
  private let data: DataFeed<Source>
  private let evaluationData: (any BatchSource<Source.Batch>)?
  private let stepsPerEpoch: Int
  private let total: Int
  private let firstStep: Int
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var dataSeconds = 0.0
  private var tokens = 0
  private var stepSeconds = 0.0
  private var lastLoss: Double?
  private var lastEvaluation: TrainingEvent.Evaluation?
  private var isFinished = false
  private var changes: [Hyperparameters.Change] = []
  private var adjustedStep: Int?

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
    start = clock.now
  }

  /// Does what is next: a step, an evaluation, or nothing.
  func next() throws(TrainingError) -> TrainingEvent? {
    if isFinished { return nil }
    if stepsPerEpoch == 0 { throw .noBatches }
    if isEvaluationDue { return .evaluation(try evaluate()) }
    if trainer.stepCount < total, trainer.earlyStopping?.isExhausted != true {
      if let change = nextChange() { return .change(change) }
      return .step(try step())
    }
    isFinished = true
    return .finished(
      TrainingEvent.Summary(
        steps: trainer.stepCount, tokens: tokens, seconds: seconds(clock.now - start),
        loss: lastLoss, evaluation: lastEvaluation, dataSeconds: dataSeconds))
  }

  /// Asks once before each step what is to be changed, and tells one change after the other.
  private func nextChange() -> Hyperparameters.Change? {
    let done = trainer.stepCount
    if let adjust = trainer.adjust, adjustedStep != done {
      adjustedStep = done
      let before = trainer.hyperparameters
      var values = before
      adjust(TrainingProgress(step: done + 1, total: total), &values)
      trainer.hyperparameters = values
      changes = before.changes(to: values, before: done + 1)
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
    let (loss, labels) = try trainer.evaluate(evaluationData)
    let evaluation = TrainingEvent.Evaluation(
      step: trainer.stepCount, loss: loss, labels: labels,
      isBest: trainer.record.add(step: trainer.stepCount, loss: loss))
    lastEvaluation = evaluation
    _ = trainer.earlyStopping?.shouldStop(after: loss)
    return evaluation
  }
}

// MARK: One step

extension TrainingRun {
  private func step() throws(TrainingError) -> TrainingEvent.Step {
    let (began, done) = (clock.now, trainer.stepCount)
    let progress = TrainingProgress(step: done + 1, total: total)
    let optimizer = trainer.optimizer
    let (batches, cursor) = try data.batches(
      of: done, total: total, from: trainer.dataCursor)
    let waited = seconds(clock.now - began)
    let loss = try accumulateGradients(of: batches, progress)
    let norm = optimizer.gradientNorm
    guard norm.isFinite else {
      optimizer.zeroGradients()
      throw .nonFiniteGradient(step: progress.step)
    }
    let scale = trainer.maximumGradientNorm.map {
      GradientClipping.scale(norm: norm, maximum: $0)
    }
    let fullRate = optimizer.learningRate
    let rate = fullRate * trainer.schedule.factor(step: done, total: total)
    optimizer.learningRate = rate
    optimizer.step(gradientScale: scale ?? 1)
    optimizer.learningRate = fullRate
    trainer.didStep(cursor)

    let stepTokens = batches.reduce(0) { $0 + $1.tokenCount }
    let elapsed = seconds(clock.now - began)
    tokens += stepTokens
    stepSeconds += elapsed
    dataSeconds += waited
    lastLoss = loss
    return TrainingEvent.Step(
      progress: progress, epoch: Double(progress.step) / Double(stepsPerEpoch), loss: loss,
      tokens: stepTokens, tokensPerSecond: elapsed > 0 ? Double(stepTokens) / elapsed : 0,
      learningRate: rate, gradientNorm: norm,
      secondsLeft: stepSeconds / Double(progress.step - firstStep) * Double(total - progress.step),
      dataSeconds: waited)
  }

  /// Adds up the gradients of the batches, each by its share of the labels, and returns the mean loss.
  private func accumulateGradients(
    of batches: [Model.Batch], _ progress: TrainingProgress
  ) throws(TrainingError) -> Double {
    let counts = batches.map(\.targetCount)
    let labels = counts.reduce(0, +)
    if labels == 0 { throw .noLabels(step: progress.step) }
    var mean = 0.0
    for (batch, count) in zip(batches, counts) where count > 0 {
      let share = Double(count) / Double(labels)
      let loss = trainer.model.loss(batch)
      mean += share * Double(try finite(loss, progress))
      loss.backward(scale: Float(share))
    }
    return mean
  }

  /// The value of a loss; where it is not finite, the gradients are forgotten.
  private func finite(_ loss: Tensor, _ progress: TrainingProgress) throws(TrainingError) -> Float {
    let value = loss.item
    guard value.isFinite else {
      trainer.optimizer.zeroGradients()
      throw .nonFiniteLoss(step: progress.step, loss: value)
    }
    return value
  }

  private func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }
}
