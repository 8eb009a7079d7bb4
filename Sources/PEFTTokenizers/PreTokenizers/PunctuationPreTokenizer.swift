/// Cuts at punctuation.
struct PunctuationPreTokenizer: PreTokenizer {
  private let behavior: SplitBehavior

  /// Reads what becomes of the punctuation, which by default stands by itself.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    if let field = object.optional("behavior") {
      behavior = try SplitBehavior(reading: field)
    } else {
      behavior = .isolated
    }
    try object.finish()
  }

  func split(_ words: Words) -> Words {
    words.split(behavior) { TextClasses(of: $0).contains(.punctuation) }
  }
}

extension Words {
  /// Cuts every word at the code points that are delimiters.
  func split(_ behavior: SplitBehavior, at isDelimiter: (UInt32) -> Bool) -> Words {
    var output = Words(emptyCopyOf: self)
    var pieces: [(range: Range<Int>, isDelimiter: Bool)] = []
    forEach { word in
      pieces.removeAll(keepingCapacity: true)
      var start = word.lowerBound
      var position = start
      while position < word.upperBound {
        let (point, length) = UTF8Reading.point(in: bytes, at: position)
        if isDelimiter(point) {
          if start < position { pieces.append((start..<position, false)) }
          start = position + length
          pieces.append((position..<start, true))
        }
        position += length
      }
      if start < word.upperBound { pieces.append((start..<word.upperBound, false)) }
      output.append(text, pieces: pieces, behavior)
    }
    return output
  }
}
