/// Byte strings with an id each, found by walking them byte by byte.
struct ByteTrie: Sendable {
  /// The node at which every string begins.
  static let root: Int32 = 0
  /// How many nodes there can be.
  static let limit = 1 << 27

  /// The id of the string that ends at each node, -1 for none.
  private(set) var ids: [Int32] = [-1]
  /// An open-addressing table of edges: node and byte in the upper half, the node they lead to below.
  private var slots: [UInt64]
  private var edges = 0

  /// An empty trie with room for `capacity` nodes.
  init(capacity: Int) {
    var size = 64
    while size < capacity * 2 { size *= 2 }
    slots = Array(repeating: 0, count: size)
  }

  /// A trie of all tokens of a vocabulary.
  init(_ vocabulary: Vocabulary) {
    self.init(capacity: vocabulary.count * 3)
    vocabulary.forEach { id, bytes in insert(bytes, id: id) }
  }

  private static func slot(_ key: UInt64, _ mask: Int) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
  }

  /// The node that `byte` leads to, or -1.
  func next(_ node: Int32, _ byte: UInt8) -> Int32 {
    let key = UInt64(UInt32(bitPattern: node)) << 8 | UInt64(byte)
    let mask = slots.count - 1
    var slot = Self.slot(key, mask)
    while true {
      let entry = slots[slot]
      if entry == 0 { return -1 }
      if entry >> 28 == key { return Int32(truncatingIfNeeded: entry & 0xFFF_FFFF) }
      slot = (slot + 1) & mask
    }
  }

  /// Adds a string; one that is there already gets the new id.
  mutating func insert(_ bytes: some Sequence<UInt8>, id: Int32) {
    var node = Self.root
    for byte in bytes {
      var child = next(node, byte)
      if child < 0 {
        precondition(ids.count < Self.limit, "ByteTrie: too many nodes")
        if edges * 2 >= slots.count { grow() }
        child = Int32(ids.count)
        ids.append(-1)
        put(UInt64(UInt32(bitPattern: node)) << 36 | UInt64(byte) << 28 | UInt64(child))
        edges += 1
      }
      node = child
    }
    ids[Int(node)] = id
  }

  private mutating func put(_ entry: UInt64) {
    let mask = slots.count - 1
    var slot = Self.slot(entry >> 28, mask)
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = entry
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: 0, count: old.count * 2)
    for entry in old where entry != 0 { put(entry) }
  }

  /// The node that a string leads to, or -1.
  func node(of bytes: some Sequence<UInt8>) -> Int32 {
    var node = Self.root
    for byte in bytes {
      node = next(node, byte)
      if node < 0 { break }
    }
    return node
  }
}
