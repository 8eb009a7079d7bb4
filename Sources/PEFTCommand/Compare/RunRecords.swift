import Foundation
import PEFTCheckpoints
import PEFTJSON

/// What child processes found, kept on disk: a comparison that was interrupted goes on where it was.
struct RunRecords {
  private let folder: String
  /// What the results depend on beside the words: the program and the files, by size and time of change.
  private let state: [String]

  /// Records below a folder, of runs that read these files.
  init(_ folder: String, files: [String]) {
    self.folder = folder
    state = ([Bundle.main.executablePath ?? ""] + files).map { path in
      let values = try? FileManager.default.attributesOfItem(atPath: path)
      let changed = (values?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
      let size = values?[.size] as? Int ?? 0
      return "\(path): \(size) bytes, \(changed)"
    }
  }

  /// The result of the same run before; nil where there is none, or what it wrote is gone.
  ///
  /// - Parameters:
  ///   - name: of the run.
  ///   - words: of the command.
  ///   - product: a file or folder that it wrote and is still needed.
  /// - Returns: the line of JSON that it printed.
  func result(_ name: String, _ words: [String], product: String?) -> JSON? {
    guard product.map(FileManager.default.fileExists(atPath:)) ?? true,
      let bytes = FileManager.default.contents(atPath: path(name)),
      let record = try? JSON(parsing: Array(bytes)),
      record["run"]?.text(.compact) == key(words).text(.compact)
    else { return nil }
    return record["result"]
  }

  /// Keeps the result of a run.
  func keep(_ result: JSON, _ name: String, _ words: [String]) throws {
    let record = JSON.object([.init("run", key(words)), .init("result", result)])
    try atomicallyWrite(record.text(.indented) + "\n", to: path(name))
  }

  private func path(_ name: String) -> String { "\(folder)/\(name).json" }

  private func key(_ words: [String]) -> JSON {
    .object([
      .init("words", .array(words.map(JSON.string))),
      .init("files", .array(state.map(JSON.string))),
    ])
  }
}
