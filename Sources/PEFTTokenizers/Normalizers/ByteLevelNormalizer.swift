/// Spells every byte as a printable character.
struct ByteLevelNormalizer: Normalizer {
  /// Reads the component, which has no settings.
  init(reading object: inout ObjectReader) throws(TokenizerError) { try object.finish() }

  func normalize(_ text: inout Text) {
    text = text.byteSpelling(0..<text.bytes.count)
  }
}

extension Text {
  /// The bytes in a range, each spelled as a printable character.
  func byteSpelling(_ range: Range<Int>) -> Text {
    var output = emptyCopy(capacity: range.count + range.count / 4)
    output.appendSpelling(of: self, range)
    return output
  }

  /// Appends the bytes of a part of `source`, each spelled as a printable character.
  mutating func appendSpelling(of source: Text, _ range: Range<Int>) {
    let spelling = ByteAlphabet.spelling
    for position in range {
      let code = spelling[Int(source.bytes[position])]
      if code >= 0x80 { bytes.append(UInt8(code >> 8)) }
      bytes.append(UInt8(truncatingIfNeeded: code))
      if let origins = source.origins {
        if code >= 0x80 { self.origins?.append(origins[position]) }
        self.origins?.append(origins[position])
      }
    }
  }
}
