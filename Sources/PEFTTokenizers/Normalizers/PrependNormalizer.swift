/// Puts a text in front of every text that is not empty.
struct PrependNormalizer: Normalizer {
  private let prefix: [UInt8]

  /// Reads the text to put in front.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    prefix = Array(try object.required("prepend").string().utf8)
    try object.finish()
  }

  func normalize(_ text: inout Text) {
    if text.bytes.isEmpty { return }
    text.bytes.insert(contentsOf: prefix, at: 0)
    if let first = text.origins?.first {
      text.origins?.insert(contentsOf: repeatElement(first, count: prefix.count), at: 0)
    }
  }
}
