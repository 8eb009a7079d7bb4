/// Turns the suffix of words into the spaces between them.
struct SuffixDecoder: Decoder {
  private let suffix: [UInt8]
  private var held: [UInt8]?
  private var current: [UInt8] = []

  /// Reads the suffix.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    suffix = Array(try object.required("suffix").string().utf8)
    try object.finish()
  }

  mutating func feed(_ input: Pieces, into output: inout Pieces) {
    input.forEach { part, endsText in
      current += part
      if endsText {
        if let held { output.append(text(of: held, isLast: false), endsText: true) }
        held = current
        current = []
      }
    }
  }

  mutating func finish(into output: inout Pieces) {
    if !current.isEmpty {
      if let held { output.append(text(of: held, isLast: false), endsText: true) }
      held = current
    }
    if let held { output.append(text(of: held, isLast: true), endsText: true) }
    held = nil
    current = []
  }

  private func text(of token: [UInt8], isLast: Bool) -> [UInt8] {
    if suffix.isEmpty { return token }
    var text: [UInt8] = []
    let rule = Replacement(pattern: suffix, content: isLast ? [] : [UInt8(ascii: " ")])
    _ = rule.apply(to: token, in: 0..<token.count, isLast: true, into: &text)
    return text
  }
}
