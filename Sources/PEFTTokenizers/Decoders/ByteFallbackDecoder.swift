/// Turns runs of byte tokens such as `<0xE2>` into the text they spell.
///
/// A run that is no UTF-8 becomes one U+FFFD for each of its bytes, so nothing is known about a run before it
/// ends.
struct ByteFallbackDecoder: Decoder {
  private static let tokenLength = 6
  private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

  /// The bytes of the current run.
  private var run: [UInt8] = []
  /// The current text, as long as it may yet prove to be a byte token.
  private var held: [UInt8] = []
  /// Whether the current text is known to be no byte token.
  private var isPlain = false

  /// Reads the component, which has no settings.
  init(reading object: inout ObjectReader) throws(TokenizerError) { try object.finish() }

  mutating func feed(_ input: Pieces, into output: inout Pieces) {
    output.reserve(input.bytes.count)
    input.forEach { part, endsText in
      if isPlain {
        output.append(part, endsText: endsText)
      } else if endsText, held.isEmpty, let byte = Self.byte(part) {
        run.append(byte)
      } else if endsText, !held.isEmpty, let byte = Self.byte((held + part)[...]) {
        run.append(byte)
        held = []
      } else if endsText || held.count + part.count > Self.tokenLength {
        flush(into: &output)
        if !held.isEmpty { output.append(held, endsText: false) }
        output.append(part, endsText: endsText)
        held = []
        isPlain = true
      } else {
        held += part
      }
      if endsText { isPlain = false }
    }
  }

  mutating func finish(into output: inout Pieces) {
    flush(into: &output)
    if !held.isEmpty { output.append(held, endsText: true) }
    held = []
    isPlain = false
  }

  private mutating func flush(into output: inout Pieces) {
    if run.isEmpty { return }
    if String(validating: run, as: UTF8.self) != nil {
      output.append(run, endsText: true)
    } else {
      for _ in run { output.append(Self.replacement, endsText: true) }
    }
    run = []
  }

  /// The byte a token names, or nil where it names none.
  ///
  /// The reference reads the two digits as a number that may carry a plus sign; so do we.
  private static func byte(_ token: ArraySlice<UInt8>) -> UInt8? {
    let start = token.startIndex
    guard token.count == tokenLength, token.starts(with: "<0x".utf8),
      token[start + 5] == UInt8(ascii: ">"), let low = digit(token[start + 4])
    else { return nil }
    if token[start + 3] == UInt8(ascii: "+") { return low }
    return digit(token[start + 3]).map { $0 << 4 | low }
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
