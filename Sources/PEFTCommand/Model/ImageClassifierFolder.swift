import Foundation
import PEFTImages
import PEFTTensor
import PEFTTraining
import PEFTTransformer

/// A classifier of pictures with what prepares them.
struct ImageClassifierFolder: CommandClassifier {
  static let task = ModelTask.imageClassification
  let path: String
  let model: ImageClassifier
  private let processor: ImageProcessor
  private let badRows: BadRows

  init(
    _ arguments: Arguments, data: String, _ options: DataOptions, precision: Precision? = nil,
    seed: UInt64 = 0
  ) throws {
    let task = "task \(Self.task.rawValue)"
    for name in ["columns", "field", "separator", "max-length", "neftune", "learn", "learn-last"]
    where arguments.has(name) {
      throw CommandError.conflict(task, name)
    }
    if arguments.texts("change").contains(where: { $0.contains("neftune") }) {
      throw CommandError.conflict(task, "change")
    }
    badRows = options.badRows
    path = try ModelFolder.path(arguments)
    try ModelFolder.requireModel(path)
    var processor = try ImageProcessor(directory: path)
    let labels = try Self.labels(arguments, path, data: data) {
      try Self.source(data, channels: processor.normalization?.mean.count == 1 ? 1 : 3).labels
    }
    let chosen = try arguments.choice("precision", Precision.self)
    model = try ImageClassifier(
      directory: path, newLabels: labels, seed: seed, precision: chosen ?? precision)
    model.dropoutKeys = DropoutKeys(seed: seed)
    let images = model.configuration.images
    if processor.size == nil, let images {
      processor.size = .init(height: images.height, width: images.width)
    }
    if images?.channels == 3 { processor.convertsToRGB = true }
    // One pixel goes through all that is done with a picture.
    let channels = images?.channels ?? 3
    let pixel = ImagePixels(
      Array(repeating: 0, count: channels), height: 1, width: 1, channels: channels)
    do { try model.check(processor([pixel])) } catch {
      throw CommandError.unusable(
        path: "\(path)/preprocessor_config.json", reason: "does not fit the model: \(error)")
    }
    self.processor = processor
  }

  func batches(
    _ data: String, _ plan: TrainingPlan, _ stream: StreamPlan?
  ) throws -> any BatchSource<ImageClassificationBatch> {
    if stream != nil {
      throw CommandError.conflict("task \(Self.task.rawValue)", "stream")
    }
    return try batches(data, size: plan.batchSize, order: plan.order)
  }

  func heldOut(
    _ data: String, maximumLength: Int
  ) throws -> (batches: any BatchSource<ImageClassificationBatch>, count: Int) {
    let batches = try batches(data, size: 16, order: .given)
    return (batches, batches.count)
  }

  func measure(
    _ batches: any BatchSource<ImageClassificationBatch>, progress: (Int) -> Void
  ) throws -> ClassificationQuality {
    try ClassificationQuality(model, batches, progress: progress)
  }

  private func batches(
    _ data: String, size: Int, order: BatchOrder
  ) throws -> ImageBatches {
    let channels = model.configuration.images?.channels ?? 3
    let batches = try ImageBatches(
      Self.source(data, channels: channels == 1 ? 1 : 3), processor,
      labels: model.configuration.labels, batchSize: size, order: order, badImages: badRows)
    DataOptions.report(data, bad: batches.badCount, first: batches.firstBad?.description)
    return batches
  }

  /// A folder of classes, or the pictures of an IDX file whose classes are in the one beside it.
  private static func source(_ path: String, channels: Int) throws -> any ImageSource {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw CommandError.unusable(path: path, reason: "does not exist")
    }
    if isFolder.boolValue { return try ImageFolder(path: path, channels: channels) }
    guard let labels = labelsFile(of: path) else {
      throw CommandError.unusable(
        path: path,
        reason:
          "is neither a folder with a folder of pictures for each class nor an IDX file of pictures, whose name "
          + "has \"images\" where that of its classes has \"labels\"")
    }
    return try IDXImages(images: path, labels: labels)
  }

  /// Where the classes of an IDX file of pictures are, by its name; nil for the name of another file.
  static func labelsFile(of path: String) -> String? {
    var parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard let name = parts.popLast(), name.contains("images") else { return nil }
    let labels = name.replacingOccurrences(of: "images", with: "labels")
      .replacingOccurrences(of: "idx3", with: "idx1")
    return (parts + [labels]).joined(separator: "/")
  }
}
