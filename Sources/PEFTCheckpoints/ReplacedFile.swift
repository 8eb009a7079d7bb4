#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A file that is written aside and then takes the place of the one at `path`, or does not.
///
/// Whoever reads `path` sees the whole old file or the whole new one, also after a crash or a power
/// failure: the bytes are on the disk before the name points to them. After a failure the old file
/// is untouched and nothing is left beside it.
struct ReplacedFile: ~Copyable {
  private let path: String
  private let temporary: String
  private let folder: String
  private var file: Int32

  /// Runs `body` with a file to write to, then replaces `path` by it.
  ///
  /// - Throws: what `body` throws, or `ioFailure`.
  static func write(
    to path: String,
    _ body: (borrowing ReplacedFile) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    var replaced = try create(for: path)
    try body(replaced)
    try replaced.commit()
  }

  private init(path: String, temporary: String, folder: String, file: Int32) {
    self.path = path
    self.temporary = temporary
    self.folder = folder
    self.file = file
  }

  private static func create(for path: String) throws(CheckpointError) -> ReplacedFile {
    if path.isEmpty || path.utf8.contains(0) {
      throw .ioFailure(
        path: path, operation: "create", reason: "the path is empty or holds a zero byte")
    }
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let prefix = slash.map { String(path[...$0]) } ?? ""
    // A short name of its own: one made from the name of the file could be too long.
    let random = String(UInt64.random(in: .min ... .max), radix: 36)
    let temporary = "\(prefix).peft-\(random).tmp"
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    if file < 0 {
      throw .ioFailure(
        path: path, operation: "create a file beside it", reason: SystemError.text(errno))
    }
    return ReplacedFile(
      path: path, temporary: temporary, folder: prefix.isEmpty ? "." : prefix, file: file)
  }

  deinit {
    if file >= 0 {
      close(file)
      unlink(temporary)
    }
  }

  /// Appends `bytes`.
  borrowing func append(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    var rest = bytes
    while !rest.isEmpty {
      // One call takes less than 2 GB on every system.
      let written = systemWrite(file, rest.baseAddress, min(rest.count, 1 << 30))
      if written < 0 {
        if errno == EINTR { continue }
        throw failure("write", errno)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Appends `bytes`.
  borrowing func append(_ bytes: [UInt8]) throws(CheckpointError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(CheckpointError) in
      try append(UnsafeRawBufferPointer(buffer))
    }
  }

  private mutating func commit() throws(CheckpointError) {
    while fsync(file) != 0 {
      if errno != EINTR { throw failure("fsync", errno) }
    }
    let closed = close(file)
    let code = errno
    file = -1
    if closed != 0, code != EINTR {
      unlink(temporary)
      throw failure("close", code)
    }
    if rename(temporary, path) != 0 {
      let code = errno
      unlink(temporary)
      throw failure("rename", code)
    }
    try synchronizeFolder(folder)
  }

  private borrowing func failure(_ operation: String, _ code: Int32) -> CheckpointError {
    .ioFailure(path: path, operation: operation, reason: SystemError.text(code))
  }
}

/// Makes the names in a folder last; file systems that cannot do this for folders say so.
func synchronizeFolder(_ path: String) throws(CheckpointError) {
  let handle = open(path, O_RDONLY | O_CLOEXEC)
  if handle < 0 { return }
  defer { close(handle) }
  while fsync(handle) != 0 {
    if [EINVAL, ENOTSUP, EBADF, EROFS].contains(errno) { return }
    if errno != EINTR {
      throw .ioFailure(
        path: path, operation: "fsync of the folder", reason: SystemError.text(errno))
    }
  }
}

private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(file, bytes, count)
}

/// Replaces the file at `path` by `bytes`: written aside, made to last, renamed.
///
/// - Throws: `ioFailure`; the old file is then untouched.
public func atomicallyWrite(_ bytes: [UInt8], to path: String) throws(CheckpointError) {
  try ReplacedFile.write(to: path) { (file) throws(CheckpointError) in try file.append(bytes) }
}

/// Replaces the file at `path` by `text` in UTF-8: written aside, made to last, renamed.
///
/// - Throws: `ioFailure`; the old file is then untouched.
public func atomicallyWrite(_ text: String, to path: String) throws(CheckpointError) {
  try atomicallyWrite(Array(text.utf8), to: path)
}

/// Replaces the file at `path` by a copy of the one at `source`: written aside, made to last, renamed.
///
/// - Throws: `fileUnreadable` or `ioFailure`; the old file is then untouched.
package func atomicallyCopy(_ source: String, to path: String) throws(CheckpointError) {
  let file = try FileMapping(path: source)
  try atomicallyWrite(file.bytes(0..<file.byteCount), to: path)
}
