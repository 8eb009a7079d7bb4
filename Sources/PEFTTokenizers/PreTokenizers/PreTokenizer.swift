/// Cuts a text into the words that the model works on, one at a time.
protocol PreTokenizer: Sendable {
  /// Cuts each word further, and may spell it anew.
  func split(_ words: Words) -> Words
}

/// The pre-tokenisers a file may name.
enum PreTokenizers {
  private static let known = [
    "Sequence", "ByteLevel", "BertPreTokenizer", "Metaspace", "Split", "Digits", "Punctuation",
    "Whitespace", "WhitespaceSplit", "CharDelimiterSplit",
  ]

  /// The pre-tokeniser that `field` describes.
  static func read(_ field: Field) throws(TokenizerError) -> any PreTokenizer {
    var object = try ObjectReader(field)
    let type = try object.required("type")
    switch try type.string() {
    case "Sequence": return try SequencePreTokenizer(reading: &object)
    case "ByteLevel": return try ByteLevelPreTokenizer(reading: &object)
    case "BertPreTokenizer": return try BertPreTokenizer(reading: &object)
    case "Metaspace": return try MetaspacePreTokenizer(reading: &object)
    case "Split": return try SplitPreTokenizer(reading: &object)
    case "Digits": return try DigitsPreTokenizer(reading: &object)
    case "Punctuation": return try PunctuationPreTokenizer(reading: &object)
    case "Whitespace": return try WhitespacePreTokenizer(reading: &object, isPattern: true)
    case "WhitespaceSplit": return try WhitespacePreTokenizer(reading: &object, isPattern: false)
    case "CharDelimiterSplit": return try SplitPreTokenizer(delimiterOf: &object)
    default: throw type.unsupported(known: known)
    }
  }
}
