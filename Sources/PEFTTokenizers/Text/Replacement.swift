/// Every occurrence of a string, and what is put in its place.
struct Replacement: Sendable {
  /// What is replaced, not empty.
  let pattern: [UInt8]
  /// What is put in its place.
  let content: [UInt8]

  /// Reads `pattern` and `content`; a regular expression as a pattern is refused.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    var choice = try ObjectReader(try object.required("pattern"))
    try choice.refuse("Regex")
    let text = try choice.required("String")
    try choice.finish()
    pattern = Array(try text.string().utf8)
    if pattern.isEmpty { throw text.unsupported(known: ["a string that is not empty"]) }
    content = Array(try object.required("content").string().utf8)
    try object.finish()
  }

  /// Appends `text` with all occurrences replaced, from left to right.
  ///
  /// - Parameters:
  ///   - text: the text to read.
  ///   - isLast: whether the text ends here. Where it does not, what could be the beginning of an
  ///     occurrence is left.
  ///   - output: where the result goes.
  /// - Returns: how many bytes of `text` were dealt with.
  func apply(to text: [UInt8], isLast: Bool, into output: inout [UInt8]) -> Int {
    let first = pattern[0]
    var position = 0
    while position < text.count {
      let byte = text[position]
      if byte != first {
        output.append(byte)
        position += 1
      } else if text.matches(pattern, at: position) {
        output += content
        position += pattern.count
      } else if !isLast, text[position...].count < pattern.count,
        pattern.starts(with: text[position...])
      {
        break
      } else {
        output.append(byte)
        position += 1
      }
    }
    return position
  }
}
