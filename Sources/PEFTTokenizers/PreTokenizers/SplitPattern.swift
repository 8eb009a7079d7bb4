/// What a text is cut by or what is replaced in it: a string or a regular expression.
enum SplitPattern: Sendable {
  /// A string that is not empty.
  case string([UInt8])
  /// A regular expression.
  case regex(RegularExpression)

  /// Reads an object with a `String` or a `Regex`.
  init(reading field: Field) throws(TokenizerError) {
    var object = try ObjectReader(field)
    let string = object.optional("String")
    let regex = object.optional("Regex")
    try object.finish()
    guard (string == nil) != (regex == nil) else {
      throw field.invalid(expected: "one of String and Regex")
    }
    if let string {
      let text = try string.string()
      if text.isEmpty { throw string.unsupported(known: ["a string that is not empty"]) }
      self = .string(Array(text.utf8))
    } else if let regex {
      self = .regex(try RegularExpression(reading: regex))
    } else {
      throw field.invalid(expected: "one of String and Regex")
    }
  }

  /// Visits the matches in a range from left to right; none overlaps another.
  func forEachMatch(in bytes: [UInt8], _ range: Range<Int>, _ body: (Range<Int>) -> Void) {
    switch self {
    case .regex(let regex): regex.forEachMatch(in: bytes, range, body)
    case .string(let string):
      var position = range.lowerBound
      while position + string.count <= range.upperBound {
        if bytes[position] == string[0], bytes.matches(string, at: position) {
          body(position..<position + string.count)
          position += string.count
        } else {
          position += 1
        }
      }
    }
  }
}
