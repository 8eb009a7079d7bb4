internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Makes a folder whole: its files are written into one beside it, which then takes the name, or does not.
///
/// Whoever reads `path` sees no folder, the old one or the new one, never a half of it, also after a crash or a power failure. What a
/// process that died left behind has a name that begins with `.peft-` and ends with `.tmp`; `removeRemains` clears it away.
///
/// - Parameters:
///   - path: the folder; the one above it must exist.
///   - body: writes the files into the folder whose path it gets, each made to last.
/// - Throws: `ioFailure`, and what `body` throws; an old folder is then untouched.
public func atomicallyWriteFolder(
  _ path: String, _ body: (_ folder: String) throws -> Void
) throws {
  let random = String(UInt64.random(in: .min ... .max), radix: 36)
  let (parent, new) = hidden(beside: path, random)
  func failure(_ operation: String) -> CheckpointError {
    .ioFailure(path: path, operation: operation, reason: SystemError.text(errno))
  }
  if mkdir(new, 0o777) != 0 { throw failure("making the folder") }
  do {
    try body(new)
    try synchronizeFolder(new)
    if rename(new, path) != 0 {
      // A folder with files in it must be moved out of the way first.
      guard errno == ENOTEMPTY || errno == EEXIST else { throw failure("rename") }
      let (_, old) = hidden(beside: path, random + "-old")
      if rename(path, old) != 0 { throw failure("rename of the old folder") }
      if rename(new, path) != 0 {
        let error = failure("rename")
        rename(old, path)
        throw error
      }
      try? FileManager.default.removeItem(atPath: old)
    }
    try synchronizeFolder(parent)
  } catch {
    try? FileManager.default.removeItem(atPath: new)
    throw error
  }
}

/// Removes a folder so that it is there or not, never a half of it.
///
/// - Parameter path: the folder.
/// - Throws: `ioFailure` where it cannot be taken away.
public func atomicallyRemoveFolder(_ path: String) throws(CheckpointError) {
  let (_, old) = hidden(beside: path, String(UInt64.random(in: .min ... .max), radix: 36))
  if rename(path, old) != 0 {
    throw .ioFailure(path: path, operation: "rename", reason: SystemError.text(errno))
  }
  try? FileManager.default.removeItem(atPath: old)
}

/// Removes what a process that died while it wrote into a folder has left there.
///
/// Nobody else may be writing into it at the same time.
public func removeRemains(in folder: String) {
  let files = FileManager.default
  for name in (try? files.contentsOfDirectory(atPath: folder)) ?? []
  where name.hasPrefix(".peft-") && name.hasSuffix(".tmp") {
    try? files.removeItem(atPath: "\(folder)/\(name)")
  }
}

private func hidden(beside path: String, _ random: String) -> (parent: String, path: String) {
  let parent = (path as NSString).deletingLastPathComponent
  let prefix = parent.isEmpty ? "." : parent
  return (prefix, "\(prefix)/.peft-\(random).tmp")
}
