/// Turns the visible character for spaces back, and drops those of the first token.
struct MetaspaceDecoder: Decoder {
  private let replacement: [UInt8]
  private let dropsFirst: Bool
  private var isFirst = true

  /// Reads the character and whether one was put in front.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    replacement = try MetaspacePreTokenizer.replacement(reading: &object)
    dropsFirst = try MetaspacePreTokenizer.PrependScheme(reading: &object) != .never
    _ = try object.bool("split", missing: true)
    try object.finish()
  }

  mutating func feed(_ input: Pieces, into output: inout Pieces) {
    input.forEach { part, endsText in
      let drops = dropsFirst && isFirst
      output.append(endsText: endsText) { bytes in
        var position = part.startIndex
        while position < part.endIndex {
          let length = UTF8Reading.length(part[position])
          let character = part[position..<position + length]
          if !character.elementsEqual(replacement) {
            bytes += character
          } else if !drops {
            bytes.append(UInt8(ascii: " "))
          }
          position += length
        }
      }
      if endsText { isFirst = false }
    }
  }

  mutating func finish(into output: inout Pieces) { isFirst = true }
}
