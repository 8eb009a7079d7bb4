/// Joins all texts into one.
struct FuseDecoder: Decoder {
  /// Reads the component, which has no settings.
  init(reading object: inout ObjectReader) throws(TokenizerError) { try object.finish() }

  mutating func feed(_ input: Pieces, into output: inout Pieces) {
    output.append(input.bytes, endsText: false)
  }

  mutating func finish(into output: inout Pieces) { output.append([], endsText: true) }
}
