/// Replaces every occurrence of a string or of a regular expression.
struct ReplaceNormalizer: Normalizer {
  private let pattern: SplitPattern
  private let content: [UInt8]

  /// Reads the pattern and what replaces it.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    pattern = try SplitPattern(reading: try object.required("pattern"))
    content = Array(try object.required("content").string().utf8)
    try object.finish()
  }

  func normalize(_ text: inout Text) {
    var output = text.emptyCopy(capacity: text.bytes.count + text.bytes.count / 2)
    var start = 0
    pattern.forEachMatch(in: text.bytes, 0..<text.bytes.count) { match in
      output.append(text, start..<match.lowerBound)
      // What is put in stands for the end of what was there.
      if match.upperBound > 0 {
        output.append(content, from: text, at: match.upperBound - 1)
      } else {
        output.bytes += content
        output.origins?.append(contentsOf: repeatElement(0..<0, count: content.count))
      }
      start = match.upperBound
    }
    output.append(text, start..<text.bytes.count)
    text = output
  }
}
