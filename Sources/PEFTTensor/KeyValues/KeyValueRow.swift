/// The keys and values of one row in one layer, in blocks that copies of the row share.
///
/// Tokens are counted from the first of the row. A copy takes no memory until one of the two writes into a block that they share, which
/// can only be the last one.
package struct KeyValueRow {
  private let size: KeyValueBlock.Size
  /// How many tokens it has been given.
  package private(set) var length = 0
  /// How many blocks stood before those that it still holds.
  private(set) var dropped = 0
  private(set) var blocks: [KeyValueBlock] = []
  /// How many of the blocks it holds are codes.
  private var coded = 0

  /// A row without tokens.
  package init(_ size: KeyValueBlock.Size) { self.size = size }

  /// The first token that it still holds.
  package var start: Int { min(length, dropped * size.tokens) }
  /// What the tokens lie in.
  package var heldBlocks: [KeyValueBlock] { blocks }

  /// Adds tokens: rows `[N, G * K]` of keys and values.
  package mutating func append(keys: Tensor, values: Tensor) {
    var place = 0
    while place < keys.rows {
      let inside = length % size.tokens
      if inside == 0 {
        blocks.append(KeyValueBlock(size))
      } else if !isKnownUniquelyReferenced(&blocks[blocks.count - 1]) {
        blocks[blocks.count - 1] = blocks[blocks.count - 1].copied()
      }
      let count = min(size.tokens - inside, keys.rows - place)
      let new = place..<place + count
      blocks[blocks.count - 1].write(
        keys: keys.leading(new), values: values.leading(new), at: inside)
      (place, length) = (place + count, length + count)
    }
  }

  /// Lets go of the blocks whose tokens all stand before one.
  package mutating func drop(before token: Int) {
    let count = min(blocks.count, max(0, min(token, length) / size.tokens - dropped))
    blocks.removeFirst(count)
    dropped += count
    coded = max(0, coded - count)
  }

  /// Brings full blocks into codes, but for the last tokens; blocks that are codes stay as they are.
  ///
  /// - Parameters:
  ///   - bits: 8 or 4; 32 does nothing.
  ///   - recent: how many tokens at the end stay numbers at least.
  package mutating func encode(bits: Int, keeping recent: Int) {
    guard bits < 32 else { return }
    let full = max(0, (length - recent) / size.tokens - dropped)
    while coded < full {
      blocks[coded] = blocks[coded].coded(bits: bits)
      coded += 1
    }
  }

  /// The keys and values of tokens that it holds, `[N, G * K]` each.
  package func numbers(_ tokens: Range<Int>) -> (keys: Tensor, values: Tensor) {
    precondition(
      tokens.lowerBound >= start && tokens.upperBound <= length,
      "KeyValueRow: tokens \(tokens) of \(start)..<\(length)")
    return Kernels.numbers(self, size, tokens)
  }
}
