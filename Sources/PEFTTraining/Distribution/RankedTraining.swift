import PEFTTensor
import PEFTTransformer

/// What a training does differently where it is one rank of several.
final class RankedTraining {
  private let communicator: any Communicator
  private let reducer: GradientReducer
  private let parameters: [Parameter]

  /// The ranks of a trainer; nil where it trains by itself.
  init?<Model>(_ trainer: Trainer<Model>) {
    guard trainer.communicator.count > 1 else { return nil }
    communicator = trainer.communicator
    parameters = trainer.optimizer.groups.flatMap(\.parameters).map(\.parameter)
    reducer = GradientReducer(parameters, communicator)
  }

  /// Makes sure that all ranks are about to do the same, and gives them the parameters of rank 0.
  func begin<Model>(
    _ trainer: Trainer<Model>, stepsPerEpoch: Int, total: Int
  ) throws(CommunicationError) {
    if let local = trainer.optimizer.observers.first(where: \.seesRowsOfThisProcess) {
      throw .methodStaysLocal(observer: "\(type(of: local))")
    }
    let elements = parameters.reduce(0) { $0 + $1.count }
    let facts: [(what: String, value: Double)] = [
      ("the number of trained tensors", Double(parameters.count)),
      ("the number of trained elements", Double(elements)),
      ("the steps taken so far", Double(trainer.stepCount)),
      ("the steps of an epoch", Double(stepsPerEpoch)), ("the steps in all", Double(total)),
      ("the learning rate", trainer.optimizer.learningRate),
    ]
    let largest = try communicator.reduce(facts.map(\.value), .maximum)
    let smallest = try communicator.reduce(facts.map { -$0.value }, .maximum).map { -$0 }
    for (index, fact) in facts.enumerated() where smallest[index] != largest[index] {
      throw .ranksDiffer(what: fact.what, smallest: smallest[index], largest: largest[index])
    }
    for parameter in parameters {
      let copy = parameter.value.copied()
      try communicator.broadcast(copy.elements)
      // Who looks at the memory of a parameter would not see another one.
      if copy.array != parameter.value.array { parameter.value = copy }
    }
    trainer.model.randomStream = UInt64(communicator.rank)
  }

  /// Whether this rank is the one that writes.
  var isFirst: Bool { communicator.rank == 0 }

  /// The rows of batches that are this rank's.
  func shards<Batch: TrainingBatch>(of batches: [Batch]) -> [Batch] {
    batches.compactMap { $0.shard(communicator.rank, of: communicator.count) }
  }

  /// Takes note that nothing adds to a gradient any more in this step.
  func isFinal(_ parameter: ObjectIdentifier) { reducer.isFinal(parameter) }

  /// Waits for the gradients of all ranks, and keeps the model's random numbers in step with those of ranks with more rows.
  ///
  /// - Parameters:
  ///   - loss: this rank's part of the mean.
  ///   - model: what is trained.
  /// - Returns: the mean loss.
  /// - Throws: `CommunicationError` where the ranks cannot be reached.
  func finish(
    _ loss: Double, _ model: some TrainableModel
  ) throws(CommunicationError) -> Double {
    try reducer.finish()
    let state = try communicator.reduce([Double(model.randomState)], .maximum)[0]
    model.randomState = UInt64(state)
    return try communicator.reduce([loss], .sum)[0]
  }

  /// Measures in rank 0, while the others wait.
  func evaluate(
    _ measure: () throws(TrainingError) -> (loss: Double, labels: Int)
  ) throws(TrainingError) -> (loss: Double, labels: Int) {
    guard communicator.rank == 0 else {
      let found = try share([0, 0, 0])
      if found[0] == 0 { throw .communication(.rankLost(rank: 0)) }
      return (found[1], Int(found[2]))
    }
    let found: (loss: Double, labels: Int)
    do throws(TrainingError) { found = try measure() } catch {
      _ = try share([0, 0, 0])
      throw error
    }
    _ = try share([1, found.loss, Double(found.labels)])
    return found
  }

  private func share(_ values: [Double]) throws(TrainingError) -> [Double] {
    do throws(CommunicationError) { return try communicator.fromFirst(values) } catch {
      throw .communication(error)
    }
  }
}
