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
    input.forEach { part, endsText in
      held += part
      let done = output.append(endsText: endsText) { bytes in
        replacement.apply(to: held, isLast: endsText, into: &bytes)
      }
      held.removeFirst(done)
    }
  }

  mutating func finish(into output: inout Pieces) {
    if !held.isEmpty { output.append(held, endsText: true) }
    held = []
  }
}
