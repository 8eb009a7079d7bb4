import PEFTTensor

extension TrainingRun {
  /// Takes a step, and tells it or what is wrong with it.
  func step() throws(TrainingError) -> TrainingEvent {
    let (began, done) = (clock.now, trainer.stepCount)
    let progress = TrainingProgress(step: done + 1, total: total)
    let optimizer = trainer.optimizer
    let (batches, cursor) = try data.batches(of: done, total: total, from: trainer.dataCursor)
    let waited = seconds(since: began)
    let operations = Arithmetic.operations
    var times = StepTimes()
    let loss = try accumulateGradients(of: batches, progress, &times)
    let updating = clock.now
    let norm = loss.isFinite ? optimizer.gradientNorm : .nan
    let anomaly = try lookAt(batches, loss: loss, gradientNorm: norm, progress)
    if let anomaly, anomaly.reaction == .stop { return .anomaly(anomaly) }
    let isSkipped = anomaly?.reaction == .skip
    let scale = trainer.maximumGradientNorm.map {
      GradientClipping.scale(norm: norm, maximum: $0)
    }
    let fullRate = optimizer.learningRate
    let rate = fullRate * trainer.schedule.factor(step: done, total: total)
    if isSkipped {
      optimizer.zeroGradients()
      trainer.didSkip(cursor)
    } else {
      optimizer.learningRate = rate
      optimizer.step(gradientScale: scale ?? 1)
      optimizer.learningRate = fullRate
      trainer.didStep(cursor)
    }
    times.optimizer = seconds(since: updating)
    times.operations = Arithmetic.operations - operations

    let stepTokens = batches.reduce(0) { $0 + $1.tokenCount }
    let elapsed = seconds(since: began)
    tokens += stepTokens
    stepSeconds += elapsed
    dataSeconds += waited
    lastLoss = loss
    let event = TrainingEvent.step(
      .init(
        progress: progress, epoch: Double(progress.step) / Double(stepsPerEpoch), loss: loss,
        tokens: stepTokens, tokensPerSecond: elapsed > 0 ? Double(stepTokens) / elapsed : 0,
        learningRate: rate, gradientNorm: norm,
        secondsLeft: stepSeconds / Double(progress.step - firstStep)
          * Double(total - progress.step), dataSeconds: waited, times: times, isSkipped: isSkipped))
    guard let anomaly else { return event }
    waiting.append(event)
    return .anomaly(anomaly)
  }

  /// What is wrong with a step, where somebody watches; its batches are written then.
  ///
  /// Where the training is to end, the gradients are forgotten, and the error waits for its turn.
  private func lookAt(
    _ batches: [Model.Batch], loss: Double, gradientNorm: Double, _ progress: TrainingProgress
  ) throws(TrainingError) -> StepAnomaly? {
    let step = progress.step
    var watch = trainer.anomalyWatch ?? AnomalyWatch(.stop)
    let kind = watch.look(loss: loss, gradientNorm: gradientNorm)
    if trainer.anomalyWatch != nil { trainer.anomalyWatch = watch }
    guard let kind else { return nil }
    let isFinite = loss.isFinite && gradientNorm.isFinite
    let reaction = watch.reaction == .note && !isFinite ? .skip : watch.reaction
    if reaction == .stop { trainer.optimizer.zeroGradients() }
    let error: TrainingError =
      switch kind {
      case .nonFiniteLoss: .nonFiniteLoss(step: step, loss: Float(loss))
      case .nonFiniteGradient: .nonFiniteGradient(step: step)
      case .lossSpike, .gradientSpike:
        .spike(step: step, kind: kind, loss: loss, gradientNorm: gradientNorm)
      }
    if trainer.anomalyWatch == nil { throw error }
    if ranked?.isFirst == false { watch.folder = nil }
    let file = try watch.write(
      batches, step: step, kind: kind, loss: loss, gradientNorm: gradientNorm)
    if reaction == .stop { failure = error }
    return StepAnomaly(
      step: step, kind: kind, loss: loss, gradientNorm: gradientNorm, reaction: reaction,
      file: file)
  }

  /// Adds up the gradients of the batches, each by its share of the labels, and returns the mean loss.
  ///
  /// Where the loss of a batch is not finite, nothing after it is computed; several ranks find that out together, so that none
  /// waits for one that has stopped.
  private func accumulateGradients(
    of batches: [Model.Batch], _ progress: TrainingProgress, _ times: inout StepTimes
  ) throws(TrainingError) -> Double {
    let labels = batches.reduce(0) { $0 + $1.targetCount }
    if labels == 0 { throw .noLabels(step: progress.step) }
    let own = (ranked?.shards(of: batches) ?? batches).filter { $0.targetCount > 0 }
    var mean = 0.0
    for (index, batch) in own.enumerated() {
      let share = Double(batch.targetCount) / Double(labels)
      let began = clock.now
      let loss = trainer.model.loss(batch)
      let value = loss.item
      times.forward += seconds(since: began)
      mean += share * Double(value)
      if !value.isFinite, ranked == nil { return Double(value) }
      let turned = clock.now
      loss.backward(
        scale: Float(share), whenFinal: index == own.count - 1 ? ranked?.isFinal : nil)
      times.backward += seconds(since: turned)
    }
    guard let ranked else { return mean }
    let turned = clock.now
    do throws(CommunicationError) { mean = try ranked.finish(mean, trainer.model) } catch {
      trainer.optimizer.zeroGradients()
      throw .communication(error)
    }
    times.backward += seconds(since: turned)
    return mean
  }

  func seconds(since instant: ContinuousClock.Instant) -> Double {
    (clock.now - instant) / .seconds(1)
  }
}
