import Foundation
import PEFTCheckpoints
import PEFTJSON

/// What the classes are called for which an adapter was trained, beside it in a file of our own.
///
/// An adapter's numbers mean nothing without the order of the classes, and adapter_config.json has no place for it.
enum ClassLabels {
  /// The name of the file, which other programs pass over.
  static let file = "labels.json"

  /// Writes the names into the folder of an adapter.
  static func write(_ labels: [String], to folder: String) throws {
    let text = JSON.array(labels.map(JSON.string)).text(.compact) + "\n"
    try atomicallyWrite(text, to: "\(folder)/\(file)")
  }

  /// The names in the folder of an adapter; nil where it has none.
  static func read(_ folder: String) throws -> [String]? {
    let path = "\(folder)/\(file)"
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    let labels = try? JSON(parsing: Array(data)).elements?.map(\.string)
    guard let labels, labels.count > 1, !labels.contains(nil) else {
      throw CommandError.unusable(path: path, reason: "is no array of the names of classes")
    }
    return labels.compactMap { $0 }
  }
}
