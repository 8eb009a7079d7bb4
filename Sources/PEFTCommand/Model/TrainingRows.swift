import PEFTTensor
import PEFTTraining
import PEFTTransformer

/// The rows that a language model is trained on.
enum TrainingRows {
  /// All of them.
  case memory([TrainingExample])
  /// Those of a file, as it is read.
  case stream(StreamedBatches<TrainingRow, TrainingExample>)

  /// The batches of a training.
  func batches(_ plan: TrainingPlan) -> any BatchSource<TokenBatch> {
    switch self {
    case .memory(let examples): plan.batches(examples)
    case .stream(let batches): batches
    }
  }

  /// Some rows of the beginning.
  ///
  /// - Throws: `DataError` where the file cannot be read any more.
  func first(_ count: Int) throws(DataError) -> [TrainingExample] {
    switch self {
    case .memory(let examples): return Array(examples.prefix(count))
    case .stream(let batches):
      let reader = batches.resized(.rows(1)).makeReader(at: DataCursor())
      var examples: [TrainingExample] = []
      while examples.count < count, let row = try reader.next() {
        examples.append(TrainingExample(ids: row.ids.values, labels: row.labels.values))
      }
      return examples
    }
  }

  /// The first batches of a training, so many rows in each, before any step.
  ///
  /// - Throws: `DataError` where the file cannot be read any more.
  func start(_ plan: TrainingPlan, of size: Int) throws(DataError) -> [TokenBatch] {
    let count = (plan.startRows + size - 1) / size
    switch self {
    case .memory(let examples):
      let batches = TokenBatches(
        examples, batchSize: size, order: plan.order,
        groupsLengths: size > 1 && plan.groupsLengths)
      return Array(batches.epoch(0).prefix(count))
    case .stream(let batches):
      let reader = batches.resized(.rows(size)).makeReader(at: DataCursor())
      var start: [TokenBatch] = []
      while start.count < count, let batch = try reader.next() { start.append(batch) }
      return start
    }
  }
}

extension TrainingPlan {
  /// Examples in memory as batches of a training.
  func batches<Example>(_ examples: [Example]) -> ExampleBatches<Example> {
    ExampleBatches(
      examples, batchSize: batchSize, order: order, groupsLengths: groupsLengths)
  }
}
