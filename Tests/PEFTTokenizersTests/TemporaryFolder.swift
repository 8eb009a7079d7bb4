import Foundation

/// A folder that is there for the length of a test.
struct TemporaryFolder {
  /// Its path.
  let path: String

  /// Makes a folder, calls `body`, and removes the folder.
  static func with(_ body: (TemporaryFolder) throws -> Void) throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("peft-tokenizers-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    try body(TemporaryFolder(path: url.path))
  }

  /// Writes a file and returns its path.
  @discardableResult
  func write(_ text: String, to name: String) throws -> String {
    try write(Data(text.utf8), to: name)
  }

  /// Writes a file and returns its path.
  @discardableResult
  func write(_ data: Data, to name: String) throws -> String {
    let file = "\(path)/\(name)"
    try data.write(to: URL(fileURLWithPath: file))
    return file
  }

  /// Copies a file into the folder.
  func copy(_ source: String, to name: String) throws {
    try write(try Data(contentsOf: URL(fileURLWithPath: source)), to: name)
  }
}
