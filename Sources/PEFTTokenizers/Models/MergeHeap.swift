/// Pairs to be joined, the one of the lowest rank first and of equal ones the leftmost.
struct MergeHeap: Sendable {
  /// A binary heap of words that hold the rank above the position.
  private var entries: [UInt64] = []

  /// Adds a pair.
  ///
  /// - Complexity: logarithmic in the number of pairs.
  mutating func push(rank: UInt32, position: Int) {
    let entry = UInt64(rank) << 32 | UInt64(UInt32(position))
    var place = entries.count
    entries.append(entry)
    while place > 0 {
      let parent = (place - 1) / 2
      if entries[parent] <= entry { break }
      entries[place] = entries[parent]
      place = parent
    }
    entries[place] = entry
  }

  /// Takes the first pair out.
  ///
  /// - Complexity: logarithmic in the number of pairs.
  mutating func pop() -> (rank: UInt32, position: Int)? {
    guard let first = entries.first, let last = entries.popLast() else { return nil }
    let count = entries.count
    if count > 0 {
      var place = 0
      while true {
        var child = place * 2 + 1
        if child >= count { break }
        if child + 1 < count, entries[child + 1] < entries[child] { child += 1 }
        if last <= entries[child] { break }
        entries[place] = entries[child]
        place = child
      }
      entries[place] = last
    }
    return (UInt32(first >> 32), Int(UInt32(truncatingIfNeeded: first)))
  }
}
