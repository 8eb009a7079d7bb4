import PEFTAdapters
import PEFTTensor
import PEFTTokenizers
import PEFTTraining
import PEFTTransformer

/// A classifier of texts with its tokenizer.
struct ClassifierFolder: CommandClassifier {
  static let task = ModelTask.sequenceClassification
  let path: String
  let model: SequenceClassifier
  /// Its tokenizer.
  let tokenizer: Tokenizer
  private let options: DataOptions

  init(
    _ arguments: Arguments, data: String, _ options: DataOptions, precision: Precision? = nil,
    seed: UInt64 = 0
  ) throws {
    try options.requireNoConversations()
    self.options = options
    try DataFile.requireFile(data)
    path = try ModelFolder.path(arguments)
    try ModelFolder.requireModel(path)
    let labels = try Self.labels(arguments, path, data: data) {
      try ClassificationData.labels(
        of: DataFormat.source(data, options.settings), names: options.names,
        badRows: options.badRows)
    }
    let chosen = try arguments.choice("precision", Precision.self)
    model = try SequenceClassifier(
      directory: path, newLabels: labels, seed: seed, precision: chosen ?? precision)
    model.dropoutKeys = DropoutKeys(seed: seed)
    tokenizer = try Tokenizer(folder: path)
  }

  func batches(
    _ data: String, _ plan: TrainingPlan, _ stream: StreamPlan?
  ) throws -> any BatchSource<ClassificationBatch> {
    if let stream { return try self.stream(data, stream, maximumLength: plan.maximumLength) }
    return plan.batches(try examples(data, maximumLength: plan.maximumLength))
  }

  func heldOut(
    _ data: String, maximumLength: Int
  ) throws -> (batches: any BatchSource<ClassificationBatch>, count: Int) {
    let rows = try examples(data, maximumLength: maximumLength)
    return (ClassificationBatches(rows, batchSize: 64, groupsLengths: true), rows.count)
  }

  func measure(
    _ batches: any BatchSource<ClassificationBatch>, progress: (Int) -> Void
  ) throws -> ClassificationQuality {
    try ClassificationQuality(model, batches, progress: progress)
  }

  /// The rows of a file.
  private func examples(_ path: String, maximumLength: Int) throws -> [ClassificationExample] {
    let data = try ClassificationData(
      DataFormat.source(path, options.settings), names: options.names, badRows: options.badRows,
      encoder: encoder(maximumLength))
    report(path, cut: data.cutCount, empty: data.emptyCount, maximumLength)
    DataOptions.report(path, bad: data.badCount, first: data.firstBad?.description)
    return data.examples
  }

  /// The rows of a file in batches that are made while it is read.
  private func stream(
    _ path: String, _ plan: StreamPlan, maximumLength: Int
  ) throws -> StreamedBatches<LabelledRow, ClassificationExample> {
    let batches = try StreamedBatches<LabelledRow, ClassificationExample>(
      DataFormat.source(path, options.settings), plan.settings(options),
      encode: encoder(maximumLength).encodedRow)
    let counts = batches.counts
    report(path, cut: counts.cut, empty: counts.skipped, maximumLength)
    DataOptions.report(path, bad: counts.bad, first: counts.firstBad)
    return batches
  }

  private func encoder(_ maximumLength: Int) -> ClassificationEncoder {
    ClassificationEncoder(
      tokenizer, labels: model.configuration.labels,
      maximumLength: max(4, min(maximumLength, model.configuration.usablePositions)))
  }

  private func report(_ path: String, cut: Int, empty: Int, _ maximumLength: Int) {
    guard cut + empty > 0 else { return }
    Console.error(
      "\(path): \(cut) rows are cut to \(maximumLength) tokens, and \(empty) are left out because "
        + "they have no token")
  }
}
