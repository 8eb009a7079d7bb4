import Foundation
import PEFTCheckpoints

/// A file that grows by whole lines or records.
final class LogFile {
  private let path: String
  private let handle: FileHandle

  /// Replaces the file at `path` by one that begins with a text.
  convenience init(_ path: String, beginning: String) throws {
    try self.init(path, beginning: Array(beginning.utf8))
  }

  /// Replaces the file at `path` by one that begins with these bytes; its folder is made where it does not exist.
  init(_ path: String, beginning: [UInt8]) throws {
    self.path = path
    try makeFolder(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    try atomicallyWrite(beginning, to: path)
    do {
      handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.seekToEnd()
    } catch {
      throw Self.failure(path, error)
    }
  }

  deinit { try? handle.close() }

  func append(_ text: String) throws { try append(Array(text.utf8)) }

  func append(_ bytes: [UInt8]) throws {
    do { try handle.write(contentsOf: bytes) } catch { throw Self.failure(path, error) }
  }

  /// The lines of a file, without a last one that was cut; none where the file does not exist.
  static func lines(_ path: String) throws -> [Substring] {
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    do {
      let text = try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
      return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    } catch {
      throw CheckpointError.fileUnreadable(path: path, reason: error.localizedDescription)
    }
  }

  private static func failure(_ path: String, _ error: any Error) -> CheckpointError {
    .ioFailure(path: path, operation: "write", reason: error.localizedDescription)
  }
}
