/// The tokens of words seen lately.
///
/// Every word has one place it can be in, so the cache never grows and a new word displaces an old one.
struct WordCache: Sendable {
  /// The longest word that is remembered, in symbols.
  static let longest = 15

  private static let stride = 32
  private static let bits: UInt64 = 14
  /// For each place: the number of symbols, the number of tokens, the symbols, the tokens.
  private var cells = [Int32](repeating: 0, count: stride << bits)

  /// Where a word would be.
  func place(of symbols: [Int32], in range: Range<Int>) -> Int {
    var hash = UInt64(range.count)
    for position in range {
      hash = (hash ^ UInt64(UInt32(bitPattern: symbols[position]))) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 32
    }
    hash = hash &* 0x9E37_79B9_7F4A_7C15
    return Int(hash >> (64 - Self.bits)) * Self.stride
  }

  /// Appends the tokens of a word; false where they are not known.
  func append(
    _ symbols: [Int32], in range: Range<Int>, at place: Int, to ids: inout [Int32]
  ) -> Bool {
    let count = range.count
    if cells[place] != Int32(count) { return false }
    for offset in 0..<count
    where cells[place + 2 + offset] != symbols[range.lowerBound + offset] {
      return false
    }
    let start = place + 2 + count
    for offset in 0..<Int(cells[place + 1]) { ids.append(cells[start + offset]) }
    return true
  }

  /// Remembers the tokens of a word, which are no more than its symbols.
  mutating func remember(
    _ symbols: [Int32], in range: Range<Int>, tokens: ArraySlice<Int32>, at place: Int
  ) {
    cells[place] = Int32(range.count)
    cells[place + 1] = Int32(tokens.count)
    var position = place + 2
    for index in range {
      cells[position] = symbols[index]
      position += 1
    }
    for token in tokens {
      cells[position] = token
      position += 1
    }
  }
}
