import Foundation

/// The texts of a file, before they are tokens.
struct DataFile {
  private let texts: [String]

  /// Reads a file.
  init(_ path: String, separator: String) throws {
    guard let data = FileManager.default.contents(atPath: path),
      let text = String(validating: data, as: UTF8.self)
    else {
      throw CommandError.unusable(path: path, reason: "cannot be read as UTF-8")
    }
    texts = text.components(separatedBy: separator)
      .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }.filter { !$0.isEmpty }
  }

  /// The rows as tokens, cut to a length.
  func rows(_ folder: ModelFolder, maximumLength: Int) -> [Evaluation.Row] {
    texts.map { text in
      let tokens = Array(folder.encode(text).prefix(maximumLength))
      return Evaluation.Row(tokens: tokens, labels: tokens)
    }
  }
}
