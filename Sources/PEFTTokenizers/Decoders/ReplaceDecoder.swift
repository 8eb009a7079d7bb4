/// Replaces every occurrence of a string in each text.
struct ReplaceDecoder: Decoder {
  private let replacement: Replacement
  /// The end of a part that could be the beginning of an occurrence.
  private var held: [UInt8] = []

  /// Reads the string and what replaces it.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    replacement = try Replacement(reading: &object)
  }

  mutating func feed(_ input: Pieces, into output: inout Pieces) {
    output.reserve(input.bytes.count)
    var start = 0
    for part in input.parts {
      if held.isEmpty {
        replace(input.bytes, in: start..<part.end, endsText: part.endsText, into: &output)
      } else {
        let text = held + input.bytes[start..<part.end]
        held = []
        replace(text, in: 0..<text.count, endsText: part.endsText, into: &output)
      }
      start = part.end
    }
  }

  private mutating func replace(
    _ text: [UInt8], in range: Range<Int>, endsText: Bool, into output: inout Pieces
  ) {
    let rest = output.append(endsText: endsText) { bytes in
      replacement.apply(to: text, in: range, isLast: endsText, into: &bytes)
    }
    if rest < range.upperBound { held = Array(text[rest..<range.upperBound]) }
  }

  mutating func finish(into output: inout Pieces) {
    if !held.isEmpty { output.append(held, endsText: true) }
    held = []
  }
}
