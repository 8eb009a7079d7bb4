/// Puts a text in front of every text that is not empty.
struct PrependNormalizer: Normalizer {
  private let prefix: [UInt8]

  /// Reads the text to put in front.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    prefix = Array(try object.required("prepend").string().utf8)
    try object.finish()
  }

  func normalize(_ text: inout [UInt8]) {
    if !text.isEmpty { text.insert(contentsOf: prefix, at: 0) }
  }
}
