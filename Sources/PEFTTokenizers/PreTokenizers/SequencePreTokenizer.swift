/// Several pre-tokenisers, one after the other.
struct SequencePreTokenizer: PreTokenizer {
  private let preTokenizers: [any PreTokenizer]

  /// Reads the list.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    var preTokenizers: [any PreTokenizer] = []
    for field in try object.required("pretokenizers").elements() {
      preTokenizers.append(try PreTokenizers.read(field))
    }
    self.preTokenizers = preTokenizers
    try object.finish()
  }

  /// Some pre-tokenisers.
  init(_ preTokenizers: [any PreTokenizer]) { self.preTokenizers = preTokenizers }

  func split(_ words: Words) -> Words {
    preTokenizers.reduce(words) { $1.split($0) }
  }
}
