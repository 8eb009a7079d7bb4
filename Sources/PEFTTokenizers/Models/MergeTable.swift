/// The merges of a BPE model: for a pair of ids its rank and the id of the joined token.
struct MergeTable: Sendable {
  /// The rank of a pair that is never merged.
  static let never = UInt32.max

  private static let free = UInt64.max
  /// An open-addressing table whose entries are two words: the key, then rank and id.
  private var slots: [UInt64]
  private let shift: UInt64

  /// Makes an empty table with room for `capacity` pairs.
  init(capacity: Int) {
    var bits: UInt64 = 4
    while 1 << bits < capacity * 2 { bits += 1 }
    shift = 64 - bits
    slots = Array(repeating: Self.free, count: 2 << bits)
  }

  /// Both ids of a pair in one word.
  static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  private func slot(of key: UInt64) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift) * 2
    while slots[slot] != key, slots[slot] != Self.free { slot = (slot + 2) & mask }
    return slot
  }

  /// Adds a pair; a pair that is there already gets the new rank and id.
  mutating func insert(_ left: Int32, _ right: Int32, rank: UInt32, id: Int32) {
    let key = Self.key(left, right)
    let slot = slot(of: key)
    slots[slot] = key
    slots[slot + 1] = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: id))
  }

  /// The rank of a pair, `never` where it is not merged, and the id it is merged to.
  func find(_ left: Int32, _ right: Int32) -> (rank: UInt32, id: Int32) {
    let slot = slot(of: Self.key(left, right))
    if slots[slot] == Self.free { return (Self.never, -1) }
    let value = slots[slot + 1]
    return (UInt32(value >> 32), Int32(truncatingIfNeeded: value))
  }

  /// Whether the pair is there.
  func contains(_ left: Int32, _ right: Int32) -> Bool {
    slots[slot(of: Self.key(left, right))] != Self.free
  }
}
