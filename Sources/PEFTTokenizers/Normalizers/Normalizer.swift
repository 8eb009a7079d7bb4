/// Rewrites a text before it is cut into words.
protocol Normalizer: Sendable {
  /// Rewrites `text`.
  func normalize(_ text: inout Text)
}

/// The normalisers a file may name.
enum Normalizers {
  private static let known = [
    "Sequence", "BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents",
    "Strip", "Replace", "Prepend", "ByteLevel", "Precompiled",
  ]

  /// The normaliser that `field` describes.
  static func read(_ field: Field) throws(TokenizerError) -> any Normalizer {
    var object = try ObjectReader(field)
    let type = try object.required("type")
    switch try type.string() {
    case "Sequence": return try SequenceNormalizer(reading: &object)
    case "BertNormalizer": return try BertNormalizer(reading: &object)
    case "NFC": return try NormalForm(reading: &object, isCompatibility: false, composes: true)
    case "NFD": return try NormalForm(reading: &object, isCompatibility: false, composes: false)
    case "NFKC": return try NormalForm(reading: &object, isCompatibility: true, composes: true)
    case "NFKD": return try NormalForm(reading: &object, isCompatibility: true, composes: false)
    case "Lowercase": return try LowercaseNormalizer(reading: &object)
    case "StripAccents": return try StripAccentsNormalizer(reading: &object)
    case "Strip": return try StripNormalizer(reading: &object)
    case "Replace": return try ReplaceNormalizer(reading: &object)
    case "Prepend": return try PrependNormalizer(reading: &object)
    case "ByteLevel": return try ByteLevelNormalizer(reading: &object)
    case "Precompiled": return try PrecompiledNormalizer(reading: &object)
    default: throw type.unsupported(known: known)
    }
  }
}
