/// Takes combining marks away; composed characters stay, so a decomposing normaliser comes first.
struct StripAccentsNormalizer: Normalizer {
  /// Reads the component, which has no settings.
  init(reading object: inout ObjectReader) throws(TokenizerError) { try object.finish() }

  func normalize(_ text: inout Text) {
    if text.bytes.allSatisfy({ $0 < 0x80 }) { return }
    var output = text.emptyCopy(capacity: text.bytes.count)
    var position = 0
    while position < text.bytes.count {
      let (point, length) = UTF8Reading.point(in: text.bytes, at: position)
      if !TextClasses(of: point).contains(.combiningMark) {
        output.append(text, position..<position + length)
      }
      position += length
    }
    text = output
  }
}
