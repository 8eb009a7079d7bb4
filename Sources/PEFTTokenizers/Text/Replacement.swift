/// Every occurrence of a string, and what is put in its place.
struct Replacement: Sendable {
  /// What is replaced, not empty.
  let pattern: [UInt8]
  /// What is put in its place.
  let content: [UInt8]

  /// Replaces `pattern` by `content`.
  init(pattern: [UInt8], content: [UInt8]) {
    self.pattern = pattern
    self.content = content
  }

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

  /// Appends a part of `text` with all occurrences replaced, from left to right.
  ///
  /// - Parameters:
  ///   - text: the text to read.
  ///   - range: the part of it.
  ///   - isLast: whether the text ends with the part. Where it does not, what could be the beginning of an
  ///     occurrence is left.
  ///   - output: where the result goes.
  /// - Returns: where the rest begins that is left.
  func apply(
    to text: [UInt8], in range: Range<Int>, isLast: Bool, into output: inout [UInt8]
  ) -> Int {
    let first = pattern[0]
    var position = range.lowerBound
    while position < range.upperBound {
      let byte = text[position]
      let room = range.upperBound - position
      if byte != first {
        output.append(byte)
        position += 1
      } else if room >= pattern.count, text.matches(pattern, at: position) {
        output += content
        position += pattern.count
      } else if !isLast, room < pattern.count,
        pattern.starts(with: text[position..<range.upperBound])
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
