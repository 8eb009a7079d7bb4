/// What a few thousand code points are mapped to: some other code points or a number each.
struct PointMap: Sendable {
  /// For each block of 256 code points the place of its entries in `entries`; the first is empty.
  private var index = [Int32](repeating: 0, count: 0x1100)
  /// For each code point of a block the place in `values`, 0 for none.
  private var entries = [Int32](repeating: 0, count: 256)
  /// A count and as many values, over and over.
  private var values: [UInt32] = [0]

  /// An empty map.
  init() {}

  /// A map out of rows: how far a code point is from the one before, and what it is mapped to.
  init(_ rows: StaticString) {
    var point: UInt32 = 0
    PackedNumbers.forEach(in: rows) { row in
      point += row[0]
      set(point, to: row.dropFirst())
    }
  }

  /// Maps a code point.
  mutating func set(_ point: UInt32, to new: some Collection<UInt32>) {
    let block = Int(point >> 8)
    if index[block] == 0 {
      index[block] = Int32(entries.count)
      entries += Array(repeating: 0, count: 256)
    }
    entries[Int(index[block]) + Int(point & 0xFF)] = Int32(values.count)
    values.append(UInt32(new.count))
    values += new
  }

  /// What a code point is mapped to, or nil.
  subscript(point: UInt32) -> ArraySlice<UInt32>? {
    let place = Int(entries[Int(index[Int(point >> 8)]) + Int(point & 0xFF)])
    if place == 0 { return nil }
    return values[(place + 1)..<(place + 1 + Int(values[place]))]
  }

  /// The only value a code point is mapped to, 0 where it is not mapped.
  func first(_ point: UInt32) -> UInt32 {
    let place = Int(entries[Int(index[Int(point >> 8)]) + Int(point & 0xFF)])
    return place == 0 ? 0 : values[place + 1]
  }
}
