/// Puts a space between tokens, as the reference does where a file names no decoder.
struct SpaceJoinDecoder: Decoder {
  private var isInside = false
  private var isFirst = true

  /// The start of a text.
  init() {}

  mutating func feed(_ input: Pieces, into output: inout Pieces) {
    input.forEach { part, endsText in
      if !isInside, !isFirst { output.append([UInt8(ascii: " ")], endsText: false) }
      output.append(part, endsText: endsText)
      isInside = !endsText
      isFirst = false
    }
  }

  mutating func finish(into output: inout Pieces) {}
}
