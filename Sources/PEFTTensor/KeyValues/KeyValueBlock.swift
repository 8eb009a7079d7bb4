/// The keys and values of consecutive tokens of one row in one layer: numbers, or codes that were made of them once.
///
/// Each head lies by itself. Codes of eight or four bits lie evenly between the lowest and the highest number of a group: the
/// same channel of all keys of the block, and up to 64 channels of the value of a token (KIVI, arXiv 2402.02750). A number is
/// then at most half a step off, `(high - low) / (2^bits - 1) / 2`. A group with a number that is not finite becomes NaN.
package final class KeyValueBlock {
  /// The sizes of blocks that stand behind each other.
  package struct Size: Sendable, Hashable {
    /// How many tokens a block holds.
    package var tokens: Int
    /// G, the number of heads of keys and values.
    package var heads: Int
    /// K.
    package var width: Int

    /// Sizes.
    package init(tokens: Int, heads: Int, width: Int) {
      (self.tokens, self.heads, self.width) = (tokens, heads, width)
    }
  }

  /// Its sizes.
  package let size: Size
  /// Of each number: 32, 8 or 4.
  package let bits: Int
  let storage: Storage
  private var coded: KeyValueBlock?

  /// A block of numbers that are not set.
  package convenience init(_ size: Size) { self.init(size, bits: 32) }

  private init(_ size: Size, bits: Int) {
    (self.size, self.bits) = (size, bits)
    storage = Storage(byteCount: Kernels.byteCount(size, bits: bits))
  }

  /// The memory, in bytes.
  package var byteCount: Int { Kernels.byteCount(size, bits: bits) }

  /// Sets the keys and values of tokens; only for numbers.
  ///
  /// - Parameters:
  ///   - keys: `[N, G * K]`.
  ///   - values: the same.
  ///   - start: the first token that is set.
  func write(keys: Tensor, values: Tensor, at start: Int) {
    precondition(
      bits == 32 && keys.shape == values.shape && keys.columns == size.heads * size.width
        && start + keys.rows <= size.tokens,
      "KeyValueBlock: \(keys.rows) rows of \(keys.columns) at \(start) of \(size)")
    Kernels.write(keys, values, to: self, at: start)
  }

  /// The same numbers in memory of their own.
  func copied() -> KeyValueBlock {
    let copy = KeyValueBlock(size, bits: bits)
    copy.storage.address.copyMemory(from: storage.address, byteCount: byteCount)
    return copy
  }

  /// The numbers as codes, made once for all who ask.
  func coded(bits: Int) -> KeyValueBlock {
    if bits == self.bits { return self }
    if let coded, coded.bits == bits { return coded }
    let made = KeyValueBlock(size, bits: bits)
    Kernels.pack(self, to: made)
    coded = made
    return made
  }
}
