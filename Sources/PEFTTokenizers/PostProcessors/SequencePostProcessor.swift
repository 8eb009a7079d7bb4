/// Several post-processors, one after the other.
struct SequencePostProcessor: PostProcessor {
  private let processors: [any PostProcessor]

  /// Reads the list.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    var processors: [any PostProcessor] = []
    for field in try object.required("processors").elements() {
      processors.append(try PostProcessors.read(field))
    }
    self.processors = processors
    try object.finish()
  }

  func process(_ ids: [Int32], addSpecialTokens: Bool) -> [Int32] {
    processors.reduce(ids) { $1.process($0, addSpecialTokens: addSpecialTokens) }
  }
}
