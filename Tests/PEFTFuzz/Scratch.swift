import Foundation

/// A folder in memory for the files that readers want.
struct Scratch {
  /// Its path.
  let path: String

  /// Makes one.
  init() throws {
    let files = FileManager.default
    let base = files.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
    path = "\(base)/peft-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
    try files.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  /// Writes a file, without waiting for a disk, and gives its path.
  func write(_ name: String, _ bytes: [UInt8]) -> String {
    let path = "\(path)/\(name)"
    // A mapped file must not change under who has it still.
    unlink(path)
    if let file = fopen(path, "wb") {
      fwrite(bytes, 1, bytes.count, file)
      fclose(file)
    }
    return path
  }

  /// Removes it.
  func remove() { try? FileManager.default.removeItem(atPath: path) }
}
