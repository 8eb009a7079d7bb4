internal import Foundation

/// A block of memory that tensors share: pooled, or a part of something else that is kept alive.
///
/// `@unchecked Sendable`: the address and the size never change, the block is released once, in
/// `deinit`, and the pool that takes it back is locked. Its contents are guarded by the rule that a
/// tensor belongs to one isolation; kernels hand disjoint parts to the worker threads.
package final class Storage: @unchecked Sendable {
  /// The first byte; aligned to 64 bytes where the pool made the block.
  package let address: UnsafeMutableRawPointer
  /// The usable size in bytes.
  package let byteCount: Int
  private let owner: Owner

  private enum Owner {
    case pool
    case other(any AnyObject & Sendable)
  }

  /// Takes a block of at least `byteCount` bytes from the pool; its contents are undefined.
  package init(byteCount: Int) {
    let block = Pool.shared.take(byteCount: byteCount)
    address = block.address
    self.byteCount = block.byteCount
    owner = .pool
  }

  /// Shows memory that belongs to `owner`, which is kept alive as long as this storage.
  package init(
    address: UnsafeMutableRawPointer, byteCount: Int, owner: any AnyObject & Sendable
  ) {
    self.address = address
    self.byteCount = byteCount
    self.owner = .other(owner)
  }

  /// Whether the memory came from the pool, and so belongs to this storage alone.
  package var isPooled: Bool {
    if case .pool = owner { true } else { false }
  }

  /// Says that memory of another owner is not read for a while, so that pages of a mapped file need not stay resident.
  ///
  /// The contents stay what they are: pages are read from the file again when they are needed.
  func forgetPages() {
    #if os(Linux)
      guard case .other = owner else { return }
      let page = Int(sysconf(Int32(_SC_PAGESIZE)))
      let start = (Int(bitPattern: address) + page - 1) / page * page
      let end = (Int(bitPattern: address) + byteCount) / page * page
      guard end > start, let first = UnsafeMutableRawPointer(bitPattern: start) else { return }
      // A hint of Linux 5.4; where it is not known, the pages stay.
      let pageOut: Int32 = 21
      _ = madvise(first, end - start, pageOut)
    #endif
  }

  deinit {
    if case .pool = owner { Pool.shared.give(Pool.Block(address: address, byteCount: byteCount)) }
  }
}
