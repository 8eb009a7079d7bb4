/// One step from tokens back to text, fed bit by bit.
///
/// A value of the type is the state at the start of a text. Feeding tokens in any portions and finishing
/// gives what the reference's decoder gives for all of them at once.
protocol Decoder: Sendable {
  /// Takes more of the input and appends what can already be said about the output.
  mutating func feed(_ input: Pieces, into output: inout Pieces)
  /// Appends what was held back; the input ends here.
  mutating func finish(into output: inout Pieces)
}

/// The decoders a file may name.
enum Decoders {
  /// The decoders that `field` describes, to be run one after the other.
  static func read(_ field: Field) throws(TokenizerError) -> [any Decoder] {
    var object = try ObjectReader(field)
    let type = try object.required("type")
    switch try type.string() {
    case "Sequence":
      var decoders: [any Decoder] = []
      for field in try object.required("decoders").elements() { decoders += try read(field) }
      try object.finish()
      return decoders
    case "ByteLevel": return [try ByteLevelDecoder(reading: &object)]
    case "ByteFallback": return [try ByteFallbackDecoder(reading: &object)]
    case "Fuse": return [try FuseDecoder(reading: &object)]
    case "Replace": return [try ReplaceDecoder(reading: &object)]
    case "Strip": return [try StripDecoder(reading: &object)]
    case "WordPiece": return [try WordPieceDecoder(reading: &object)]
    case "Metaspace": return [try MetaspaceDecoder(reading: &object)]
    case "BPEDecoder": return [try SuffixDecoder(reading: &object)]
    default:
      throw type.unsupported(
        known: [
          "Sequence", "ByteLevel", "ByteFallback", "Fuse", "Replace", "Strip", "WordPiece",
          "Metaspace", "BPEDecoder",
        ])
    }
  }
}
