#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Memory in a file of its own that has no name, so that it can leave the process while it is not read, and is gone with it.
///
/// All of the file is reserved when it is made: a disk that is full says so then, and not in the middle of something.
///
/// `@unchecked Sendable`: the address and the size never change and are released once, in `deinit`; parts are handed out once each,
/// by the one who made it.
package final class ScratchFile: @unchecked Sendable {
  /// Why a file could not be made.
  package struct Failure: Error, Equatable {
    /// The folder it was to lie in.
    package let folder: String
    /// How large it was to be.
    package let byteCount: Int
    /// What the system says.
    package let reason: String
  }

  /// The size.
  package let byteCount: Int
  private let address: UnsafeMutableRawPointer
  private var used = 0

  /// Where parts start.
  private static let alignment = 64

  /// What a part of so many bytes takes.
  package static func reserved(_ byteCount: Int) -> Int {
    (byteCount + alignment - 1) / alignment * alignment
  }

  /// Makes a file of zeros in a folder and takes its name away again.
  package init(folder: String, byteCount: Int) throws(Failure) {
    func fault(_ reason: String) -> Failure {
      Failure(folder: folder, byteCount: byteCount, reason: reason)
    }
    func fault(_ code: Int32) -> Failure { fault(String(cString: strerror(code))) }
    if folder.utf8.contains(0) { throw fault("the path holds a zero byte") }
    var name = Array("\(folder)/.peft-scratch-XXXXXX".utf8CString)
    let file = mkstemp(&name)
    if file < 0 { throw fault(errno) }
    defer { close(file) }
    unlink(name)
    // A page at least, since nothing cannot be mapped.
    let size = max(byteCount, 4096)
    // Asked first, so that a disk is not filled up only to learn that it is too small.
    var disk = statvfs()
    if fstatvfs(file, &disk) == 0 {
      let (free, overflow) = Int(clamping: disk.f_bavail)
        .multipliedReportingOverflow(by: Int(clamping: disk.f_frsize))
      if !overflow, free < size { throw fault("only \(free) bytes are free there") }
    }
    #if os(Linux)
      let code = posix_fallocate(file, 0, size)
      if code != 0 { throw fault(code) }
    #else
      if ftruncate(file, off_t(size)) != 0 { throw fault(errno) }
    #endif
    let mapped = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
    guard let mapped, mapped != MAP_FAILED else { throw fault(errno) }
    (address, self.byteCount) = (mapped, size)
  }

  deinit { munmap(address, byteCount) }

  /// The next part of the file, which keeps it alive.
  package func part(byteCount: Int) -> Storage {
    let start = used
    used += Self.reserved(byteCount)
    precondition(used <= self.byteCount, "ScratchFile: \(used) of \(self.byteCount) bytes")
    return Storage(address: address + start, byteCount: byteCount, owner: self)
  }

  /// Lets the pages of a part leave the process; they come back when they are touched.
  package func release(_ part: Storage) {
    #if os(Linux)
      // Shared pages stay in the file, those of neighbours too, so that whole pages can go.
      let page = Int(sysconf(Int32(_SC_PAGESIZE)))
      let offset = part.address - address
      precondition((0...byteCount).contains(offset), "ScratchFile: a part of another file")
      let start = offset / page * page
      let end = min(byteCount, (offset + part.byteCount + page - 1) / page * page)
      madvise(address + start, end - start, MADV_DONTNEED)
    #endif
  }
}
