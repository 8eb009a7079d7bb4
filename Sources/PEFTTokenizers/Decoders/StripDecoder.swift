/// Takes a character away from the start and the end of each text, a limited number of times.
struct StripDecoder: Decoder {
  private let content: [UInt8]
  private let start: Int
  private let stop: Int
  /// How many characters may still be taken from the start of the current text.
  private var startLeft: Int
  /// How many characters at the end so far would be taken if the text ended here.
  private var held = 0

  /// Reads the character and the limits.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    let field = try object.required("content")
    let text = try field.string()
    if text.unicodeScalars.count != 1 { throw field.invalid(expected: "one character") }
    content = Array(text.utf8)
    start = Int(try object.required("start").id())
    stop = Int(try object.required("stop").id())
    startLeft = start
    try object.finish()
  }

  mutating func feed(_ input: Pieces, into output: inout Pieces) {
    output.reserve(input.bytes.count)
    let bytes = input.bytes
    var position = 0
    for part in input.parts {
      while startLeft > 0, position < part.end {
        guard bytes.matches(content, at: position) else {
          startLeft = 0
          break
        }
        position += content.count
        startLeft -= 1
      }
      output.append(endsText: part.endsText) { written in
        keep(bytes, from: position, to: part.end, in: &written)
      }
      position = part.end
      if part.endsText {
        startLeft = start
        held = 0
      }
    }
  }

  mutating func finish(into output: inout Pieces) {
    held = 0
    startLeft = start
  }

  private mutating func keep(
    _ bytes: [UInt8], from start: Int, to end: Int, in output: inout [UInt8]
  ) {
    if stop == 0 {
      output += bytes[start..<end]
      return
    }
    var position = start
    while position < end {
      if bytes.matches(content, at: position) {
        position += content.count
        if held < stop { held += 1 } else { output += content }
      } else {
        while held > 0 {
          output += content
          held -= 1
        }
        let next = position + UTF8Reading.length(bytes[position])
        output += bytes[position..<next]
        position = next
      }
    }
  }
}
