internal import CPEFTKernels
import Synchronization

/// Blocks of memory that were used before and can be used again without the operating system.
///
/// Large blocks come from an arena. Sizes of small ones are rounded up to one of four classes an octave; a free block serves
/// its own class alone. A training step whose shapes repeat therefore takes every block from the pool: `misses`
/// stays constant.
package final class Pool: Sendable {
  /// The pool of this process.
  package static let shared = Pool()

  /// An aligned block.
  package struct Block: @unchecked Sendable {
    // The address of memory that nobody else uses: whoever holds the block owns it.
    package let address: UnsafeMutableRawPointer
    package let byteCount: Int
  }

  /// What the pool has done so far.
  package struct Statistics: Sendable {
    /// How often a block had to come from the operating system.
    package var misses = 0
    /// Bytes in blocks that tensors hold now.
    package var bytesInUse = 0
    /// The largest `bytesInUse` so far.
    package var peakBytesInUse = 0
    /// Bytes in free blocks.
    package var bytesFree = 0
  }

  private struct State: Sendable {
    var free: [Int: [Block]] = [:]
    var arena = Arena()
    var statistics = Statistics()

    mutating func use(_ byteCount: Int) {
      statistics.bytesInUse += byteCount
      statistics.peakBytesInUse = max(statistics.peakBytesInUse, statistics.bytesInUse)
    }
  }

  private let state = Mutex(State())
  private static let alignment = 64
  /// Larger blocks come from the arena; a size class.
  private static let largeSize = 32 << 10

  /// A pool without a block.
  package init() {}

  deinit { trim() }

  /// A snapshot of the counters.
  package var statistics: Statistics {
    locked { state in
      var result = state.statistics
      result.bytesFree += state.arena.bytesFree
      return result
    }
  }

  /// Starts `peakBytesInUse` afresh from what is in use now.
  package func resetPeak() {
    locked { $0.statistics.peakBytesInUse = $0.statistics.bytesInUse }
  }

  /// Returns every free block to the operating system.
  package func trim() {
    let blocks = locked { state in
      let blocks = state.free.values.flatMap { $0 }
      state.free = [:]
      state.statistics.bytesFree = 0
      state.arena.trim()
      return blocks
    }
    for block in blocks { block.address.deallocate() }
  }

  /// A block of at least `byteCount` bytes with undefined contents.
  package func take(byteCount: Int) -> Block {
    if byteCount > Self.largeSize { return takeLarge(Arena.blockSize(byteCount)) }
    let size = Self.sizeClass(byteCount)
    let found: Block? = locked { state in
      if let block = state.free[size]?.popLast() {
        state.statistics.bytesFree -= size
        state.use(size)
        return block
      }
      state.statistics.misses += 1
      state.use(size)
      return nil
    }
    if let found { return found }
    return Block(
      address: .allocate(byteCount: size, alignment: Self.alignment), byteCount: size)
  }

  private func takeLarge(_ size: Int) -> Block {
    let address: Int? = locked { state in
      guard let (address, isNew) = state.arena.take(size) else { return nil }
      if isNew { state.statistics.misses += 1 }
      state.use(size)
      return address
    }
    guard let address, let found = UnsafeMutableRawPointer(bitPattern: address) else {
      preconditionFailure("Pool: no memory for \(size) bytes")
    }
    return Block(address: found, byteCount: size)
  }

  /// Takes a block back.
  package func give(_ block: Block) {
    locked { state in
      state.statistics.bytesInUse -= block.byteCount
      if block.byteCount > Self.largeSize {
        return state.arena.give(Int(bitPattern: block.address), block.byteCount)
      }
      state.free[block.byteCount, default: []].append(block)
      state.statistics.bytesFree += block.byteCount
    }
  }

  /// Works on the state while no other thread does, in an order that a thread sanitizer is told of: it does not see into `Mutex`.
  private func locked<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
    state.withLock { state in
      peft_lock_taken()
      defer { peft_lock_leaving() }
      return body(&state)
    }
  }

  /// The smallest size of the form (4...7) * 2^k that holds `byteCount`, at least the alignment.
  static func sizeClass(_ byteCount: Int) -> Int {
    if byteCount <= alignment { return alignment }
    let exponent = Int.bitWidth - (byteCount - 1).leadingZeroBitCount - 3
    let unit = 1 << exponent
    return (byteCount + unit - 1) / unit * unit
  }
}
