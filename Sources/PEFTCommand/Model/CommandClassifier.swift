import PEFTAdapters
import PEFTTensor
import PEFTTraining
import PEFTTransformer

/// A classifier with what turns data into its batches, as commands use it.
protocol CommandClassifier {
  /// The model.
  associatedtype Model: TrainableModel & PretrainedModel

  /// The task, for messages.
  static var task: ModelTask { get }
  /// Where it was loaded from.
  var path: String { get }
  /// The model, all of it frozen.
  var model: Model { get }

  /// Loads the folder that `--model` names, with the classes of `--labels`, of the adapter, of the folder's own head, or of the data.
  ///
  /// - Parameters:
  ///   - arguments: of a command that has these options.
  ///   - data: whose labels are taken where nothing else names them.
  ///   - options: how they are read.
  ///   - precision: how weights are kept where `--precision` is not given.
  ///   - seed: chooses the random numbers of a new head, and of dropout.
  /// - Throws: errors of files and options.
  init(
    _ arguments: Arguments, data: String, _ options: DataOptions, precision: Precision?,
    seed: UInt64
  ) throws

  /// The batches of a training.
  func batches(
    _ data: String, _ plan: TrainingPlan, _ stream: StreamPlan?
  ) throws -> any BatchSource<Model.Batch>

  /// Batches in which a model is measured.
  func heldOut(
    _ data: String, maximumLength: Int
  ) throws -> (batches: any BatchSource<Model.Batch>, count: Int)

  /// How well the model knows the classes; `progress` gets how many rows are done.
  func measure(
    _ batches: any BatchSource<Model.Batch>, progress: (Int) -> Void
  ) throws -> ClassificationQuality
}

extension CommandClassifier {
  /// How well the model knows the classes of rows.
  ///
  /// - Throws: `CommandError.notFinite` where a score is not finite.
  func quality(
    _ batches: any BatchSource<Model.Batch>, progress: (Int) -> Void = { _ in }
  ) throws -> ClassificationQuality {
    let quality = try measure(batches, progress: progress)
    if quality.loss.isFinite { return quality }
    throw CommandError.notFinite(
      "the loss over the rows is \(quality.loss): the weights or the adapter's may hold such numbers"
    )
  }

  /// The classes that the command line or an adapter names, or, where the folder has no head of the task, those of the data.
  ///
  /// - Parameters:
  ///   - arguments: of the command.
  ///   - path: the folder of the model.
  ///   - data: where the labels are from.
  ///   - found: reads those of the data.
  /// - Returns: the names; nil for those of the head in the folder.
  /// - Throws: what `found` throws, and `CommandError` for fewer than two.
  static func labels(
    _ arguments: Arguments, _ path: String, data: String, found: () throws -> [String]
  ) throws -> [String]? {
    if let given = arguments.list("labels") {
      guard given.count > 1, Set(given.map { Array($0.utf8) }).count == given.count else {
        throw arguments.invalid("labels", expected: "two or more names, each once")
      }
      return try newLabels(given, path)
    }
    if let labels = try arguments.string("adapter").flatMap(ClassLabels.read) {
      return try newLabels(labels, path)
    }
    if try task.hasHead(path) { return nil }
    let labels = try found()
    guard labels.count > 1 else {
      throw CommandError.unusable(
        path: data,
        reason: "has \(labels.isEmpty ? "no label" : "one label"), where a classifier needs two "
          + "or more; see --labels")
    }
    return labels
  }

  /// The same names; nil where they are those of the head in the folder, which is then used: an adapter may have been trained above it.
  private static func newLabels(_ labels: [String], _ path: String) throws -> [String]? {
    let own = try task.labels(path) ?? []
    return own.map { Array($0.utf8) } == labels.map { Array($0.utf8) } ? nil : labels
  }
}
