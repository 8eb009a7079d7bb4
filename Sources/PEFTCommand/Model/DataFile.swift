import Foundation
import PEFTTraining
import PEFTTransformer

/// Reads a file of texts as tokens for a language model.
struct DataFile {
  /// The path of the file.
  let path: String
  /// How many tokens a row has at most.
  let maximumLength: Int
  private let options: DataOptions

  /// A file; a model that has a table of positions gets no longer rows than that.
  init(_ path: String, _ options: DataOptions, maximumLength: Int, for folder: ModelFolder) {
    (self.path, self.options) = (path, options)
    let configuration = folder.model.configuration
    self.maximumLength =
      configuration.positions == .learned
      ? min(maximumLength, configuration.maximumPositions) : maximumLength
  }

  /// The rows of the file, each with the token that ends a text; the texts of a plain file as they are.
  func examplesOrTexts(_ folder: ModelFolder) throws -> [TrainingExample] {
    try requireConversation()
    guard DataFormat.of(path: path).name == "text" else { return try examples(folder) }
    let encoder = folder.encoder(maximumLength: maximumLength, end: nil)
    let reader = try RowReader<TrainingRow>(
      source, names: options.names, badRows: options.badRows)
    var examples: [TrainingExample] = []
    while let row = try reader.next() {
      if let example = encoder.encode(row).example { examples.append(example) }
    }
    DataOptions.report(path, bad: reader.badCount, first: reader.firstBad?.description)
    return examples
  }

  /// The rows of the file, each with the token that ends a text.
  func examples(_ folder: ModelFolder) throws -> [TrainingExample] {
    let data = try TrainingData(
      source, names: options.names, badRows: options.badRows, encoder: encoder(folder))
    report(cut: data.cutCount, skipped: data.skippedLines.count)
    DataOptions.report(path, bad: data.badCount, first: data.firstBad?.description)
    if let first = data.emptyLines.first {
      Console.error(
        "\(path): \(data.emptyLines.count) rows have nothing to learn but the end, because their completion "
          + "or text is empty; line \(first) is the first")
    }
    return data.examples
  }

  /// The rows of the file for a training, kept or streamed.
  func rows(_ folder: ModelFolder, _ stream: StreamPlan?) throws -> TrainingRows {
    try requireConversation()
    guard let stream else { return .memory(try examples(folder)) }
    let batches = try StreamedBatches<TrainingRow, TrainingExample>(
      source, stream.settings(options), encode: encoder(folder).encodedRow)
    report(cut: batches.counts.cut, skipped: batches.counts.skipped)
    DataOptions.report(path, bad: batches.counts.bad, first: batches.counts.firstBad)
    return .stream(batches)
  }

  private var source: any DataSource { DataFormat.source(path, options.settings) }

  private func encoder(_ folder: ModelFolder) -> ExampleEncoder {
    var encoder = folder.encoder(maximumLength: maximumLength, end: folder.endings.first)
    if let turns = options.learnedTurns { encoder.learnedTurns = turns }
    return encoder
  }

  /// Refuses a choice of turns where no row has any.
  private func requireConversation() throws {
    guard options.learnedTurns != nil else { return }
    let reader = try RowReader<TrainingRow>(source, names: options.names, badRows: .skip)
    while let row = try reader.next() {
      if case .messages = row { return }
    }
    throw CommandError.unusable(
      path: path, reason: "has no row with \"messages\", which --learn and --learn-last choose from"
    )
  }

  private func report(cut: Int, skipped: Int) {
    guard cut + skipped > 0 else { return }
    Console.error(
      "\(path): \(cut) rows are cut to \(maximumLength) tokens, and "
        + "\(skipped) are left out because nothing to learn fits")
  }

  /// Refuses a path where no file is, before it is needed.
  static func requireFile(_ path: String) throws(CommandError) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw .unusable(path: path, reason: "does not exist")
    }
    if isFolder.boolValue {
      throw .unusable(path: path, reason: "is a folder, and a file is expected")
    }
  }
}

extension ModelFolder {
  /// Turns rows of text into tokens: after the token that begins a text, and up to one that ends it.
  func encoder(maximumLength: Int, end: Int32?) -> ExampleEncoder {
    ExampleEncoder(
      tokenizer, beginning: beginning, end: end, addsSpecialTokens: false,
      maximumLength: maximumLength)
  }
}
