/// Joins the pieces of words, puts spaces between words and tidies up around punctuation.
struct WordPieceDecoder: Decoder {
  private let prefix: [UInt8]
  private let cleansUp: Bool
  private var held: [UInt8] = []
  private var isFirst = true

  /// Reads the prefix of pieces that continue a word, and whether to tidy up.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    prefix = Array(try object.required("prefix").string().utf8)
    cleansUp = try object.bool("cleanup")
    try object.finish()
  }

  /// The decoder of BERT.
  init() {
    prefix = Array("##".utf8)
    cleansUp = true
  }

  mutating func feed(_ input: Pieces, into output: inout Pieces) {
    input.forEach { part, endsText in
      held += part
      if endsText {
        output.append(text(of: held), endsText: true)
        held.removeAll(keepingCapacity: true)
        isFirst = false
      }
    }
  }

  mutating func finish(into output: inout Pieces) {
    if !held.isEmpty { output.append(text(of: held), endsText: true) }
    held = []
    isFirst = true
  }

  private func text(of token: [UInt8]) -> [UInt8] {
    var text = token
    if !isFirst {
      if token.starts(with: prefix) {
        text.removeFirst(prefix.count)
      } else {
        text.insert(UInt8(ascii: " "), at: 0)
      }
    }
    if !cleansUp { return text }
    for rule in Self.rules where text.count >= rule.pattern.count {
      var cleaned: [UInt8] = []
      _ = rule.apply(to: text, in: 0..<text.count, isLast: true, into: &cleaned)
      text = cleaned
    }
    return text
  }

  private static let rules: [Replacement] = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
    (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ].map { Replacement(pattern: Array($0.0.utf8), content: Array($0.1.utf8)) }
}
