public import PEFTTensor

/// Trains a model: batches in, optimiser steps, events out.
///
/// Steps are counted across runs, so that a run can be stopped after any step and another one continues at the same place of the
/// data. With the same seeds and number of threads two runs give the same bits.
public final class Trainer<Model: TrainableModel> {
  /// The model.
  public let model: Model
  /// What changes its parameters.
  public let optimizer: any Optimizer
  /// The course of the learning rate, a factor of that of the optimiser, which keeps the full one between steps.
  public let schedule: Schedule
  /// How long and how to train.
  public let settings: TrainerSettings
  /// How many steps were taken.
  public private(set) var stepCount = 0
  /// What the evaluations so far found.
  public internal(set) var record = EvaluationRecord()

  /// A trainer that has taken no step.
  ///
  /// - Parameters:
  ///   - model: what is trained.
  ///   - optimizer: has the trainable parameters and the full learning rate.
  ///   - schedule: the course of the learning rate.
  ///   - settings: how long and how to train.
  public init(
    _ model: Model, optimizer: any Optimizer, schedule: Schedule = .constant,
    settings: TrainerSettings
  ) {
    self.model = model
    self.optimizer = optimizer
    self.schedule = schedule
    self.settings = settings
  }

  /// Trains until the end, or until the caller has had enough.
  ///
  /// - Parameters:
  ///   - data: what to learn from.
  ///   - evaluationData: what to measure the loss on; nil for nothing.
  ///   - onEvent: gets every event; returns whether to go on.
  /// - Throws: `TrainingError`, and what `onEvent` throws. Parameters and steps taken stay.
  public func run<Source: BatchSource>(
    _ data: Source, evaluationData: Source? = nil, onEvent: (TrainingEvent) throws -> Bool
  ) throws where Source.Batch == Model.Batch {
    let run = TrainingRun(self, data, evaluationData)
    while let event = try run.next(), try onEvent(event) {}
  }

  /// The mean loss over data, without dropout.
  ///
  /// - Parameter data: batches; those of epoch 0 are taken.
  /// - Returns: the loss in nats, and over how many labels.
  /// - Throws: `TrainingError` where there is no batch or no label.
  public func evaluate<Source: BatchSource>(
    _ data: Source
  ) throws(TrainingError) -> (loss: Double, labels: Int) where Source.Batch == Model.Batch {
    if data.batchCount == 0 { throw .noBatches }
    var (sum, count) = (0.0, 0)
    for batch in data.epoch(0) {
      let result = model.evaluate(batch)
      sum += result.sum
      count += result.count
    }
    if count == 0 { throw .noLabels(step: 0) }
    return (sum / Double(count), count)
  }

  /// What must be kept, beside the parameters, to continue later to the bit.
  public var state: TrainerState {
    TrainerState(
      stepCount: stepCount, randomState: model.randomState, record: record,
      optimizer: optimizer.state)
  }

  /// Continues where another trainer with the same settings and parameters stood.
  ///
  /// - Parameter state: as `state` gave it.
  /// - Throws: `TrainingError` where the optimiser cannot take it over; nothing is changed then.
  public func restore(_ state: TrainerState) throws(TrainingError) {
    guard state.stepCount >= 0 else {
      throw .stateMismatch(
        name: "stepCount", expected: "the number of steps taken", found: "\(state.stepCount)")
    }
    try optimizer.restore(state.optimizer)
    (stepCount, record) = (state.stepCount, state.record)
    model.randomState = state.randomState
  }

  func didStep() { stepCount += 1 }
}

/// What a trainer remembers beside the parameters of its model.
public struct TrainerState {
  /// How many steps were taken.
  public var stepCount: Int
  /// What the model's random numbers depend on.
  public var randomState: UInt64
  /// What the evaluations found.
  public var record: EvaluationRecord
  /// The state of the optimiser.
  public var optimizer: [String: Tensor]

  /// A state from its parts.
  public init(
    stepCount: Int, randomState: UInt64, record: EvaluationRecord = EvaluationRecord(),
    optimizer: [String: Tensor]
  ) {
    (self.stepCount, self.randomState) = (stepCount, randomState)
    (self.record, self.optimizer) = (record, optimizer)
  }
}
