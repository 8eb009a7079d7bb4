/// Cuts at white space, which goes; by the pattern `\w+|[^\w\s]+` also between words and other signs.
struct WhitespacePreTokenizer: PreTokenizer {
  private let isPattern: Bool

  /// Reads the component, which has no settings.
  init(reading object: inout ObjectReader, isPattern: Bool) throws(TokenizerError) {
    self.isPattern = isPattern
    try object.finish()
  }

  private enum Kind {
    case space
    case word
    case other
  }

  func split(_ words: Words) -> Words {
    var output = Words(emptyCopyOf: words)
    let text = words.text
    words.forEach { word in
      var start = word.lowerBound
      var position = start
      var last = Kind.space
      while position < word.upperBound {
        let (point, length) = UTF8Reading.point(in: text.bytes, at: position)
        let kind = kind(of: point)
        if kind != last {
          if last != .space { output.appendWord(text, start..<position) }
          start = position
          last = kind
        }
        position += length
      }
      if last != .space { output.appendWord(text, start..<position) }
    }
    return output
  }

  private func kind(of point: UInt32) -> Kind {
    let classes = TextClasses(of: point)
    if !isPattern { return classes.contains(.space) ? .space : .word }
    return classes.contains(.word) ? .word : classes.contains(.patternSpace) ? .space : .other
  }
}
