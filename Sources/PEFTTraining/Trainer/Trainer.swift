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
  /// The norm to which gradients are clipped; nil for no clipping.
  public var maximumGradientNorm: Double?
  /// Ends the training where evaluations have stopped getting better; nil to train to the end.
  public var earlyStopping: EarlyStopping?
  /// The average of the trained parameters, which is evaluated, and saved in checkpoints' adapters, in their place; nil for none.
  public var average: WeightAverage?
  /// Looks for steps whose loss or gradients are not as they should be; nil to end with an error where they are not finite.
  public var anomalyWatch: AnomalyWatch?
  /// The processes that train together; `SingleProcess` for none but this one.
  ///
  /// Every rank has a trainer of its own with the same model, data and settings, and gives the rows of each batch that are its
  /// share to its model: gradients, steps and losses are those of one process that has all rows. Where a model draws random
  /// numbers, for dropout or noise, those of the ranks are different ones. Rank 0 alone measures evaluation data; it should
  /// be the only one that writes.
  public var communicator: any Communicator = SingleProcess()
  /// May change hyperparameters before a step, of which it is told the number.
  ///
  /// Each change is an event before its step, as are those that whoever takes the events makes to `hyperparameters`.
  /// It is asked once before each step, and again before the first one of a training that goes on.
  public var adjust: ((_ next: TrainingProgress, _ values: inout Hyperparameters) -> Void)?
  /// How many steps were taken.
  public private(set) var stepCount = 0
  /// What the evaluations so far found.
  public internal(set) var record = EvaluationRecord()
  /// Where in the data the next step begins; nil before the first.
  public internal(set) var dataCursor: DataCursor?

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
    maximumGradientNorm = settings.maximumGradientNorm
  }

  /// Trains until the end, or until the caller has had enough.
  ///
  /// - Parameters:
  ///   - data: what to learn from.
  ///   - evaluationData: what to measure the loss on; nil for nothing.
  ///   - onEvent: gets every event; returns whether to go on.
  /// - Throws: `TrainingError`, and what `onEvent` throws. Parameters and steps taken stay.
  public func run<Source: BatchSource>(
    _ data: Source, evaluationData: (any BatchSource<Model.Batch>)? = nil,
    onEvent: (TrainingEvent) throws -> Bool
  ) throws where Source.Batch == Model.Batch {
    let run = TrainingRun(self, data, evaluationData)
    while let event = try run.next(), try onEvent(event) {}
  }

  /// The mean loss over data, without dropout, and of the averaged parameters where there are any.
  ///
  /// - Parameter data: batches; those of epoch 0 are taken.
  /// - Returns: the loss in nats, and over how many labels.
  /// - Throws: `TrainingError` where there is no batch or no label, or a batch cannot be read.
  public func evaluate<Source: BatchSource>(
    _ data: Source
  ) throws(TrainingError) -> (loss: Double, labels: Int) where Source.Batch == Model.Batch {
    if data.batchCount == 0 { throw .noBatches }
    var (sum, count) = (0.0, 0)
    var failure: DataError?
    func run() {
      do throws(DataError) {
        let reader = try data.makeReader(at: DataCursor())
        while let batch = try reader.next() {
          let result = model.evaluate(batch)
          sum += result.sum
          count += result.count
        }
      } catch { failure = error }
    }
    if let average { average.use(run) } else { run() }
    if let failure { throw .data(failure) }
    if count == 0 { throw .noLabels(step: 0) }
    return (sum / Double(count), count)
  }

  /// What must be kept, beside the parameters, to continue later to the bit.
  public var state: TrainerState {
    TrainerState(
      stepCount: stepCount, randomState: model.randomState, record: record,
      dataCursor: dataCursor, optimizer: optimizer.state, hyperparameters: hyperparameters,
      earlyStopping: earlyStopping, average: average?.state ?? [:],
      recentLosses: anomalyWatch?.losses?.recent ?? [],
      recentGradientNorms: anomalyWatch?.gradientNorms?.recent ?? [])
  }

  /// Continues where another trainer with the same settings and parameters stood.
  ///
  /// - Parameter state: as `state` gave it.
  /// - Throws: `TrainingError` where the optimiser or the average cannot take it over; do not train on after that.
  public func restore(_ state: TrainerState) throws(TrainingError) {
    guard state.stepCount >= 0 else {
      throw .stateMismatch(
        name: "stepCount", expected: "the number of steps taken", found: "\(state.stepCount)")
    }
    if average == nil, !state.average.isEmpty {
      throw .stateMismatch(
        name: "average", expected: "a trainer that averages its parameters", found: "none")
    }
    try optimizer.restore(state.optimizer)
    try average?.restore(state.average)
    (stepCount, record, dataCursor) = (state.stepCount, state.record, state.dataCursor)
    model.randomState = state.randomState
    if let saved = state.hyperparameters { hyperparameters = saved }
    if let saved = state.earlyStopping {
      earlyStopping?.resume(best: saved.best, misses: saved.misses)
    }
    anomalyWatch?.losses?.resume(state.recentLosses)
    anomalyWatch?.gradientNorms?.resume(state.recentGradientNorms)
  }

  func didStep(_ cursor: DataCursor) {
    stepCount += 1
    dataCursor = cursor
    average?.update()
  }

  func didSkip(_ cursor: DataCursor) {
    stepCount += 1
    dataCursor = cursor
  }
}

/// What a trainer remembers beside the parameters of its model.
public struct TrainerState {
  /// How many steps were taken.
  public var stepCount: Int
  /// What the model's random numbers depend on.
  public var randomState: UInt64
  /// What the evaluations found.
  public var record: EvaluationRecord
  /// Where in the data the next step begins; nil for where as many steps end that each take all of their batches.
  public var dataCursor: DataCursor?
  /// The state of the optimiser.
  public var optimizer: [String: Tensor]
  /// The hyperparameters at this step; nil for those of the trainer.
  public var hyperparameters: Hyperparameters?
  /// How long evaluations have not got better; nil where nobody counts.
  public var earlyStopping: EarlyStopping?
  /// The state of the average; empty where there is none.
  public var average: [String: Tensor]
  /// The losses that the watch for anomalies compares with.
  public var recentLosses: [Double]
  /// The norms that it compares with.
  public var recentGradientNorms: [Double]

  /// A state from its parts.
  public init(
    stepCount: Int, randomState: UInt64, record: EvaluationRecord = EvaluationRecord(),
    dataCursor: DataCursor? = nil, optimizer: [String: Tensor],
    hyperparameters: Hyperparameters? = nil, earlyStopping: EarlyStopping? = nil,
    average: [String: Tensor] = [:], recentLosses: [Double] = [],
    recentGradientNorms: [Double] = []
  ) {
    (self.stepCount, self.randomState) = (stepCount, randomState)
    (self.record, self.dataCursor, self.optimizer) = (record, dataCursor, optimizer)
    (self.hyperparameters, self.earlyStopping) = (hyperparameters, earlyStopping)
    self.average = average
    (self.recentLosses, self.recentGradientNorms) = (recentLosses, recentGradientNorms)
  }
}
