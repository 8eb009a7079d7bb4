internal import Foundation

/// Large blocks cut from stretches of address space, each from the lowest place where it fits.
///
/// Neighbouring free ranges are one, so blocks of any sizes can follow those of others: batches of many lengths need little
/// more memory than the largest of them. Places above the highest block so far were never touched and cost nothing.
struct Arena: Sendable {
  private struct Region: Sendable {
    let base: Int
    let size: Int
    /// The end of what was ever used.
    var top = 0
    /// Rising, apart from each other.
    var free: [Range<Int>]
  }

  private var regions: [Region] = []

  /// Blocks begin and end at multiples of this.
  private static let unit = 512
  /// How much address space is asked for at once.
  private static let regionSize = 4 << 30

  /// The size of the block that `take` gives for so many bytes.
  static func blockSize(_ byteCount: Int) -> Int { (byteCount + unit - 1) / unit * unit }

  /// The bytes that were used and are free.
  var bytesFree: Int {
    regions.reduce(0) { sum, region in
      region.free.reduce(sum) { $0 + max(0, min($1.upperBound, region.top) - $1.lowerBound) }
    }
  }

  /// The address of `size` bytes, and whether some of them were never used before; nil where there is no memory.
  ///
  /// - Complexity: linear in the number of free ranges.
  mutating func take(_ size: Int) -> (address: Int, isNew: Bool)? {
    for index in regions.indices {
      guard let place = regions[index].free.firstIndex(where: { $0.count >= size }) else {
        continue
      }
      return cut(size, from: index, place)
    }
    guard let region = Self.reserve(atLeast: size) else { return nil }
    regions.append(region)
    return cut(size, from: regions.count - 1, 0)
  }

  private mutating func cut(_ size: Int, from index: Int, _ place: Int) -> (Int, Bool) {
    let range = regions[index].free[place]
    let end = range.lowerBound + size
    if end == range.upperBound {
      regions[index].free.remove(at: place)
    } else {
      regions[index].free[place] = end..<range.upperBound
    }
    let isNew = end > regions[index].top
    regions[index].top = max(end, regions[index].top)
    return (regions[index].base + range.lowerBound, isNew)
  }

  /// Takes back a block that `take` gave.
  mutating func give(_ address: Int, _ size: Int) {
    guard
      let index = regions.firstIndex(where: { $0.base..<$0.base + $0.size ~= address })
    else { preconditionFailure("Arena: a block of somewhere else") }
    let start = address - regions[index].base
    var range = start..<start + size
    var (low, high) = (0, regions[index].free.count)
    while low < high {
      let middle = (low + high) / 2
      if regions[index].free[middle].lowerBound < start { low = middle + 1 } else { high = middle }
    }
    high = low
    if low > 0, regions[index].free[low - 1].upperBound == start {
      low -= 1
      range = regions[index].free[low].lowerBound..<range.upperBound
    }
    if high < regions[index].free.count, regions[index].free[high].lowerBound == range.upperBound {
      range = range.lowerBound..<regions[index].free[high].upperBound
      high += 1
    }
    regions[index].free.replaceSubrange(low..<high, with: CollectionOfOne(range))
  }

  /// Gives free memory back to the operating system; address space too, where all of a region is free.
  mutating func trim() {
    for region in regions {
      if region.free == [0..<region.size] {
        munmap(UnsafeMutableRawPointer(bitPattern: region.base), region.size)
        continue
      }
      let page = Int(sysconf(Int32(_SC_PAGESIZE)))
      for range in region.free {
        let start = (range.lowerBound + page - 1) / page * page
        let end = min(range.upperBound, region.top) / page * page
        if end > start {
          madvise(
            UnsafeMutableRawPointer(bitPattern: region.base + start), end - start, MADV_DONTNEED)
        }
      }
    }
    regions.removeAll { $0.free == [0..<$0.size] }
  }

  private static func reserve(atLeast size: Int) -> Region? {
    var length = max(size, regionSize)
    while true {
      let address = mmap(
        nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0)
      if let address, address != MAP_FAILED {
        #if os(Linux)
          // A hint: pages of 2 MB where the system has them, which are mapped and looked up faster.
          madvise(address, length, Int32(MADV_HUGEPAGE))
        #endif
        return Region(base: Int(bitPattern: address), size: length, free: [0..<length])
      }
      if length == size { return nil }
      length = max(size, length / 2)
    }
  }
}
