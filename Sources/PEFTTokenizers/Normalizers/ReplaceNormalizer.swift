/// Replaces every occurrence of a string.
struct ReplaceNormalizer: Normalizer {
  private let replacement: Replacement

  /// Reads the string and what replaces it.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    replacement = try Replacement(reading: &object)
  }

  func normalize(_ text: inout [UInt8]) {
    var output: [UInt8] = []
    output.reserveCapacity(text.count + text.count / 2)
    _ = replacement.apply(to: text, in: 0..<text.count, isLast: true, into: &output)
    text = output
  }
}
