/// Writes every character in lower case.
struct LowercaseNormalizer: Normalizer {
  /// Reads the component, which has no settings.
  init(reading object: inout ObjectReader) throws(TokenizerError) { try object.finish() }

  func normalize(_ text: inout Text) {
    var output = text.emptyCopy(capacity: text.bytes.count)
    var position = 0
    while position < text.bytes.count {
      let (point, length) = UTF8Reading.point(in: text.bytes, at: position)
      output.appendLower(point, length, from: text, at: position)
      position += length
    }
    text = output
  }
}

extension Text {
  /// Appends the lower case of the character of `source` at `place`.
  mutating func appendLower(_ point: UInt32, _ length: Int, from source: Text, at place: Int) {
    if point < 0x80 {
      let byte = UInt8(point)
      append((0x41...0x5A).contains(byte) ? byte + 32 : byte, from: source, at: place)
    } else if let lower = LowerCase.mapping(of: point) {
      for point in lower { append(point: point, from: source, at: place) }
    } else {
      append(source, place..<place + length)
    }
  }
}
