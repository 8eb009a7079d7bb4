/// Sets digits apart from the rest, all together or one by one.
struct DigitsPreTokenizer: PreTokenizer {
  private let areIndividual: Bool

  /// Reads the setting.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    areIndividual = try object.bool("individual_digits", missing: false)
    try object.finish()
  }

  func split(_ words: Words) -> Words {
    words.split(areIndividual ? .isolated : .contiguous) {
      TextClasses(of: $0).contains(.numeric)
    }
  }
}
