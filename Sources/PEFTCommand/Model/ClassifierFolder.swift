import PEFTAdapters
import PEFTTensor
import PEFTTokenizers
import PEFTTraining
import PEFTTransformer

/// A classifier with its tokenizer.
struct ClassifierFolder {
  /// Where it was loaded from.
  let path: String
  /// The model, all of it frozen.
  let model: SequenceClassifier
  /// Its tokenizer.
  let tokenizer: Tokenizer
  private let options: DataOptions

  /// Loads the folder that `--model` names, with the classes of `--labels`, of the adapter, of the folder's own head, or of the data.
  ///
  /// - Parameters:
  ///   - arguments: of a command that has these options.
  ///   - data: the rows whose labels are taken where nothing else names them.
  ///   - options: how they are read.
  ///   - precision: how weights are kept where `--precision` is not given.
  ///   - seed: chooses the random numbers of a new head.
  /// - Throws: errors of files and options.
  init(
    _ arguments: Arguments, data: String, _ options: DataOptions, precision: Precision? = nil,
    seed: UInt64 = 0
  ) throws {
    try options.requireNoConversations()
    self.options = options
    path = try ModelFolder.path(arguments)
    try ModelFolder.requireModel(path)
    var labels = try Self.given(arguments)
    if labels == nil, try !ModelTask.hasClassifier(path) {
      labels = try ClassificationData.labels(
        of: DataFormat.source(data, options.settings), names: options.names,
        badRows: options.badRows)
      if let labels, labels.count < 2 {
        throw CommandError.unusable(
          path: data,
          reason: "has \(labels.isEmpty ? "no label" : "one label"), where a classifier needs two "
            + "or more; see --labels")
      }
    }
    let chosen = try arguments.choice("precision", Precision.self)
    model = try SequenceClassifier(
      directory: path, newLabels: labels, seed: seed, precision: chosen ?? precision)
    tokenizer = try Tokenizer(folder: path)
  }

  /// The rows of a file.
  func examples(_ path: String, maximumLength: Int) throws -> [ClassificationExample] {
    let data = try ClassificationData(
      DataFormat.source(path, options.settings), names: options.names, badRows: options.badRows,
      encoder: encoder(maximumLength))
    report(path, cut: data.cutCount, empty: data.emptyCount, maximumLength)
    DataOptions.report(path, bad: data.badCount, first: data.firstBad?.description)
    return data.examples
  }

  /// The rows of a file in batches that are made while it is read.
  func stream(
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

  /// How well the model knows the classes of rows.
  ///
  /// - Throws: `CommandError.notFinite` where a score is not finite.
  func quality(
    _ batches: ClassificationBatches, progress: (Int) -> Void = { _ in }
  ) throws -> ClassificationQuality {
    let quality = try ClassificationQuality(model, batches, progress: progress)
    if quality.loss.isFinite { return quality }
    throw CommandError.notFinite(
      "the loss over the rows is \(quality.loss): the weights or the adapter's may hold such numbers"
    )
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

  /// The classes that the command line or an adapter names.
  private static func given(_ arguments: Arguments) throws -> [String]? {
    if let given = arguments.list("labels") {
      guard given.count > 1, Set(given.map { Array($0.utf8) }).count == given.count else {
        throw arguments.invalid("labels", expected: "two or more names, each once")
      }
      return given
    }
    return try arguments.string("adapter").flatMap(ClassLabels.read)
  }
}
