/// Several normalisers, one after the other.
struct SequenceNormalizer: Normalizer {
  private let normalizers: [any Normalizer]

  /// Reads the list.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    var normalizers: [any Normalizer] = []
    for field in try object.required("normalizers").elements() {
      normalizers.append(try Normalizers.read(field))
    }
    self.normalizers = normalizers
    try object.finish()
  }

  func normalize(_ text: inout Text) {
    for normalizer in normalizers { normalizer.normalize(&text) }
  }
}
