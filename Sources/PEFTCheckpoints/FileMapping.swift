internal import PEFTTensor

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A whole file in memory, read page by page as it is touched.
///
/// The mapping is private: what is written to its memory stays in this process and never reaches the
/// file. Somebody else who truncates the file meanwhile takes pages away; files written by this
/// package are replaced, never changed in place.
///
/// `@unchecked Sendable`: the address and the size never change and are released once, in `deinit`;
/// this type itself only reads.
final class FileMapping: @unchecked Sendable {
  let path: String
  let byteCount: Int
  private let address: UnsafeMutableRawPointer?

  /// Maps a regular file of at most `limit` bytes.
  init(path: String, limit: Int = .max) throws(CheckpointError) {
    func fault(_ reason: String) -> CheckpointError { .fileUnreadable(path: path, reason: reason) }
    if path.utf8.contains(0) { throw fault("the path holds a zero byte") }
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if file < 0 { throw fault(SystemError.text(errno)) }
    defer { close(file) }
    var status = stat()
    if fstat(file, &status) != 0 { throw fault(SystemError.text(errno)) }
    if status.st_mode & S_IFMT == S_IFDIR { throw fault("it is a folder") }
    if status.st_mode & S_IFMT != S_IFREG { throw fault("it is no regular file") }
    guard let size = Int(exactly: status.st_size), size <= limit else {
      throw fault("it has \(status.st_size) bytes, the limit is \(limit)")
    }
    self.path = path
    byteCount = size
    if size == 0 {
      address = nil
      return
    }
    let mapped = mmap(
      nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 0)
    if mapped == MAP_FAILED { throw fault(SystemError.text(errno)) }
    address = mapped
  }

  deinit {
    if let address { munmap(address, byteCount) }
  }

  /// Whether anything can be found at `path`.
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Lets go of the pages of a part of the file, which are read again when they are needed.
  ///
  /// What was written to the memory of these pages is lost: it is for mappings that are only read.
  func release(_ range: Range<Int>) {
    guard let address, !range.isEmpty else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let start = range.lowerBound / page * page
    let end = min(byteCount, (range.upperBound + page - 1) / page * page)
    _ = madvise(address + start, end - start, MADV_DONTNEED)
  }

  /// A copy of a part of the file.
  func bytes(_ range: Range<Int>) -> [UInt8] { Array(raw(range)) }

  /// A part of the file as memory that keeps the mapping alive.
  func storage(_ range: Range<Int>) -> Storage {
    guard let address else { return Storage(byteCount: 0) }
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "FileMapping: \(range)")
    return Storage(
      address: address + range.lowerBound, byteCount: range.count, owner: self)
  }

  /// The little-endian integers in a part of the file, which may lie at any alignment.
  func integers<Value: FixedWidthInteger>(_ range: Range<Int>, as type: Value.Type) -> [Value] {
    let bytes = raw(range)
    let size = MemoryLayout<Value>.size
    return (0..<range.count / size).map {
      Value(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * size, as: Value.self))
    }
  }

  func raw(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "FileMapping: \(range)")
    return UnsafeRawBufferPointer(
      rebasing: UnsafeRawBufferPointer(start: address, count: byteCount)[range])
  }
}

/// Names for the error numbers of the operating system.
enum SystemError {
  /// What `code` means, for example "No space left on device".
  static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
