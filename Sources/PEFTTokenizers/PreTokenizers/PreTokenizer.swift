/// Cuts a text into the words that the model works on, one at a time.
protocol PreTokenizer: Sendable {
  /// Cuts each word further, and may spell it anew.
  func split(_ words: Words) -> Words
}

/// The pre-tokenisers a file may name.
enum PreTokenizers {
  /// The pre-tokeniser that `field` describes.
  static func read(_ field: Field) throws(TokenizerError) -> any PreTokenizer {
    var object = try ObjectReader(field)
    let type = try object.required("type")
    switch try type.string() {
    case "Sequence": return try SequencePreTokenizer(reading: &object)
    case "ByteLevel": return try ByteLevelPreTokenizer(reading: &object)
    default: throw type.unsupported(known: ["Sequence", "ByteLevel"])
    }
  }
}
