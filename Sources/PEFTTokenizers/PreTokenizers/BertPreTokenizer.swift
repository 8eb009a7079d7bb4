/// Cuts at white space, which goes, and around punctuation.
struct BertPreTokenizer: PreTokenizer {
  /// Reads the component, which has no settings.
  init(reading object: inout ObjectReader) throws(TokenizerError) { try object.finish() }

  /// The pre-tokeniser, for files that state none.
  init() {}

  func split(_ words: Words) -> Words {
    var output = Words(emptyCopyOf: words)
    let text = words.text
    words.forEach { word in
      var start = word.lowerBound
      var position = start
      while position < word.upperBound {
        let (point, length) = UTF8Reading.point(in: text.bytes, at: position)
        let classes = TextClasses(of: point)
        if !classes.isDisjoint(with: [.space, .punctuation]) {
          output.appendWord(text, start..<position)
          start = position + length
          if classes.contains(.punctuation) { output.appendWord(text, position..<start) }
        }
        position += length
      }
      output.appendWord(text, start..<word.upperBound)
    }
    return output
  }
}
