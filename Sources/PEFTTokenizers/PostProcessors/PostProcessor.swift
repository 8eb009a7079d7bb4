/// Puts special tokens around the ids of a text.
protocol PostProcessor: Sendable {
  /// The ids of a text with what belongs around them.
  func process(_ ids: [Int32], addSpecialTokens: Bool) -> [Int32]
}

/// The post-processors a file may name.
enum PostProcessors {
  /// The post-processor that `field` describes.
  static func read(_ field: Field) throws(TokenizerError) -> any PostProcessor {
    var object = try ObjectReader(field)
    let type = try object.required("type")
    switch try type.string() {
    case "Sequence": return try SequencePostProcessor(reading: &object)
    case "ByteLevel": return try ByteLevelPostProcessor(reading: &object)
    case "TemplateProcessing": return try TemplatePostProcessor(reading: &object)
    default: throw type.unsupported(known: ["Sequence", "ByteLevel", "TemplateProcessing"])
    }
  }
}
