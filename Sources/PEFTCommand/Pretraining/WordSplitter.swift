import PEFTTensor
import PEFTTokenizers

/// Encodes text with some words cut at random places, so that short tokens are learnt in every place.
///
/// Otherwise a model knows the tokens of whole words only, and cannot spell one that it has never seen. The
/// idea is that of BPE-Dropout (arXiv 1910.13267).
struct WordSplitter {
  private let tokenizer: Tokenizer
  private var generator: Generator
  /// One word in so many is cut.
  private static let rarity: UInt64 = 8

  /// Cuts that depend on `seed` alone.
  init(_ tokenizer: Tokenizer, seed: UInt64) {
    self.tokenizer = tokenizer
    generator = Generator(seed: seed)
  }

  /// The tokens of a text, which decode to it.
  mutating func encode(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    var piece = ""
    var isCut = false
    func flush() {
      ids += tokenizer.encode(piece, addSpecialTokens: false)
      piece = ""
    }
    for character in text {
      if character == " " {
        let wasCut = isCut
        isCut = generator.next() % Self.rarity == 0
        if isCut || wasCut { flush() }
      } else if isCut, generator.next() & 1 == 0 {
        flush()
      }
      piece.append(character)
    }
    flush()
    return ids
  }
}
