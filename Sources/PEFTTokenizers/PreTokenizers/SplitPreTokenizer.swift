/// Cuts by a string or a regular expression.
struct SplitPreTokenizer: PreTokenizer {
  private let pattern: SplitPattern
  private let behavior: SplitBehavior
  private let isInverted: Bool

  /// Reads the pattern and what becomes of what it matches.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    pattern = try SplitPattern(reading: try object.required("pattern"))
    behavior = try SplitBehavior(reading: try object.required("behavior"))
    isInverted = try object.bool("invert", missing: false)
    try object.finish()
  }

  /// Reads a delimiter, which goes.
  init(delimiterOf object: inout ObjectReader) throws(TokenizerError) {
    let field = try object.required("delimiter")
    let text = try field.string()
    if text.unicodeScalars.count != 1 { throw field.invalid(expected: "one character") }
    pattern = .string(Array(text.utf8))
    behavior = .removed
    isInverted = false
    try object.finish()
  }

  /// Cuts by a regular expression, every match a word.
  init(_ regex: RegularExpression) {
    pattern = .regex(regex)
    behavior = .isolated
    isInverted = false
  }

  func split(_ words: Words) -> Words {
    if behavior == .isolated {
      var output = words
      output.ends.removeAll()
      output.ends.reserveCapacity(words.bytes.count / 4)
      words.forEach { word in
        pattern.forEachMatch(in: words.bytes, word) { match in
          output.endWord(at: match.lowerBound)
          output.endWord(at: match.upperBound)
        }
        output.endWord(at: word.upperBound)
      }
      return output
    }
    var output = Words(emptyCopyOf: words)
    var pieces: [(range: Range<Int>, isDelimiter: Bool)] = []
    words.forEach { word in
      pieces.removeAll(keepingCapacity: true)
      var start = word.lowerBound
      pattern.forEachMatch(in: words.bytes, word) { match in
        if start < match.lowerBound { pieces.append((start..<match.lowerBound, isInverted)) }
        pieces.append((match, !isInverted))
        start = match.upperBound
      }
      if start < word.upperBound { pieces.append((start..<word.upperBound, isInverted)) }
      output.append(words.text, pieces: pieces, behavior)
    }
    return output
  }
}

extension Words {
  /// Ends a word at a place in the bytes that are there already, unless it would be empty.
  fileprivate mutating func endWord(at end: Int) {
    if end > ends.last ?? 0 { ends.append(end) }
  }
}
