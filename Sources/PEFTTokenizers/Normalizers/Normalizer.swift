/// Rewrites a text before it is cut into words.
protocol Normalizer: Sendable {
  /// Rewrites `text`, valid UTF-8 before and after.
  func normalize(_ text: inout [UInt8])
}

/// The normalisers a file may name.
enum Normalizers {
  /// The normaliser that `field` describes.
  static func read(_ field: Field) throws(TokenizerError) -> any Normalizer {
    var object = try ObjectReader(field)
    let type = try object.required("type")
    switch try type.string() {
    case "Sequence": return try SequenceNormalizer(reading: &object)
    case "Prepend": return try PrependNormalizer(reading: &object)
    case "Replace": return try ReplaceNormalizer(reading: &object)
    default: throw type.unsupported(known: ["Sequence", "Prepend", "Replace"])
    }
  }
}
