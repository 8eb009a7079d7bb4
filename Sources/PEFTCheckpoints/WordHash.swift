/// A hash of a sequence of words: FNV-1a over 64 bits at a time.
///
/// It finds every change of one word, and others but for one chance in 2^64. It is no defence against somebody who wants to deceive.
package struct WordHash: Sendable, Hashable {
  /// The hash of the words so far.
  package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  /// The hash of no words.
  package init() {}

  /// Goes on with a word.
  package mutating func add(_ word: UInt64) {
    value = (value ^ word) &* 0x100_0000_01B3
    // The product moves bits only upwards.
    value ^= value >> 29
  }

  /// Goes on with the bytes of a text, a word each.
  package mutating func add(_ text: String) {
    for unit in text.utf8 { add(UInt64(unit)) }
  }

  /// 16 hexadecimal digits of a hash.
  package static func text(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
