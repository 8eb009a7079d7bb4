/// The pattern by which GPT-2 cuts a text, matched by hand:
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
///
/// Every code point belongs to some match, so the matches alone make up the text.
enum GPT2Pattern {
  /// Appends where the matches end, for each of the texts that end at `texts`.
  ///
  /// - Complexity: linear in the number of bytes.
  static func cut(_ bytes: [UInt8], at texts: [Int], into ends: inout [Int]) {
    let classes = CharacterClasses.shared
    var position = 0
    for end in texts {
      while position < end {
        position = matchEnd(bytes, from: position, to: end, classes)
        ends.append(position)
      }
    }
  }

  private static func matchEnd(
    _ bytes: [UInt8], from start: Int, to end: Int, _ classes: CharacterClasses
  ) -> Int {
    if bytes[start] == UInt8(ascii: "'") {
      let length = contraction(bytes, after: start + 1, to: end)
      if length > 0 { return start + 1 + length }
    }
    let first = UTF8Reading.point(in: bytes, at: start)
    var kind = classes.kind(of: first.value)
    var position = start + first.length
    if first.value == 0x20, position < end {
      let next = UTF8Reading.point(in: bytes, at: position)
      let nextKind = classes.kind(of: next.value)
      if nextKind != .space {
        kind = nextKind
        position += next.length
      }
    }
    var last = start
    while position < end {
      let next = UTF8Reading.point(in: bytes, at: position)
      if classes.kind(of: next.value) != kind { break }
      last = position
      position += next.length
    }
    // A run of spaces leaves its last one to the word that follows, unless it is the only one.
    if kind == .space, position < end, last > start { return last }
    return position
  }

  /// How many bytes of a contraction follow an apostrophe.
  private static func contraction(_ bytes: [UInt8], after start: Int, to end: Int) -> Int {
    if start == end { return 0 }
    switch bytes[start] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 1
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return start + 1 < end && bytes[start + 1] == UInt8(ascii: "e") ? 2 : 0
    case UInt8(ascii: "l"):
      return start + 1 < end && bytes[start + 1] == UInt8(ascii: "l") ? 2 : 0
    default: return 0
    }
  }
}
