import Foundation
import PEFTTraining
import PEFTTransformer

/// Reads a file of texts as tokens for a model.
struct DataFile {
  /// The path of the file.
  let path: String
  /// How many tokens a row has at most.
  let maximumLength: Int
  /// What stands between the texts of a plain file.
  var separator = TokenizerFile.separator

  /// A file; a model that has a table of positions gets no longer rows than that.
  init(_ path: String, maximumLength: Int, for folder: ModelFolder) {
    self.path = path
    let configuration = folder.model.configuration
    self.maximumLength =
      configuration.positions == .learned
      ? min(maximumLength, configuration.maximumPositions) : maximumLength
  }

  /// The rows of a `.jsonl` file, each with the token that ends a text; otherwise the texts of a plain file, as they are.
  func examplesOrTexts(_ folder: ModelFolder) throws -> [TrainingExample] {
    if path.lowercased().hasSuffix(".jsonl") { return try examples(folder) }
    let encoder = folder.encoder(maximumLength: maximumLength, end: nil)
    return try texts().compactMap { encoder.encode(.text($0)).example }
  }

  /// The rows of a file of JSON lines, each with the token that ends a text.
  func examples(_ folder: ModelFolder) throws -> [TrainingExample] {
    let data = try TrainingData(
      jsonLines: path,
      encoder: folder.encoder(maximumLength: maximumLength, end: folder.endings.first))
    if data.cutCount > 0 || !data.skippedLines.isEmpty {
      Console.error(
        "\(path): \(data.cutCount) rows are cut to \(maximumLength) tokens, and "
          + "\(data.skippedLines.count) are left out because nothing to learn fits")
    }
    if let first = data.emptyLines.first {
      Console.error(
        "\(path): \(data.emptyLines.count) rows have nothing to learn but the end, because their completion "
          + "or text is empty; line \(first) is the first")
    }
    return data.examples
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

  private func texts() throws(CommandError) -> [String] {
    try Self.requireFile(path)
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .unusable(path: path, reason: "cannot be read")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw .unusable(path: path, reason: "is not UTF-8")
    }
    return text.components(separatedBy: separator)
      .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }.filter { !$0.isEmpty }
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

extension ExampleEncoder.Result {
  /// The example, cut or not; nil where there is none.
  var example: TrainingExample? {
    switch self {
    case .whole(let example), .cut(let example): example
    case .nothingLeft: nil
    }
  }
}
