import Foundation
import PEFTCheckpoints

/// The folder that a command writes to.
enum OutputFolder {
  /// Makes the folder and writes a byte into it, so that one that cannot be written fails before the work and not after it.
  static func prepare(_ path: String) throws {
    if path.isEmpty { throw CommandError.unusable(path: "--output", reason: "is empty") }
    try makeFolder(path)
    let probe = "\(path)/.peft-\(ProcessInfo.processInfo.processIdentifier)"
    try atomicallyWrite([0], to: probe)
    try? FileManager.default.removeItem(atPath: probe)
  }
}
