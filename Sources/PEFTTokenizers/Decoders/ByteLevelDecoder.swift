/// Turns the printable characters of a byte-level vocabulary back into bytes.
///
/// The bytes of all tokens are one text; what is no UTF-8 in it becomes U+FFFD.
struct ByteLevelDecoder: Decoder {
  /// The beginning of a token that has not ended.
  private var held: [UInt8] = []
  /// The bytes of a character of which some are still to come.
  private var tail: [UInt8] = []

  /// Reads the settings, none of which changes the text.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    _ = try object.bool("add_prefix_space")
    _ = try object.bool("trim_offsets")
    _ = try object.bool("use_regex", missing: true)
    try object.finish()
  }

  /// The decoder of GPT-2, for files that state none.
  init() {}

  mutating func feed(_ input: Pieces, into output: inout Pieces) {
    var bytes = tail
    bytes.reserveCapacity(bytes.count + input.bytes.count)
    input.forEach { part, endsText in
      if !endsText {
        held += part
      } else if held.isEmpty {
        Self.append(part, to: &bytes)
      } else {
        Self.append((held + part)[...], to: &bytes)
        held = []
      }
    }
    let end = Self.completeEnd(of: bytes)
    tail = Array(bytes[end...])
    bytes.removeSubrange(end...)
    if !bytes.isEmpty {
      output.append(String(decoding: bytes, as: UTF8.self).utf8, endsText: false)
    }
  }

  mutating func finish(into output: inout Pieces) {
    output.append(String(decoding: tail, as: UTF8.self).utf8, endsText: true)
    tail = []
    held = []
  }

  private static func append(_ token: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
    if !ByteAlphabet.appendBytes(of: token, to: &bytes) { bytes += token }
  }

  /// Where the last character begins if some of its bytes are still to come, else the end.
  private static func completeEnd(of bytes: [UInt8]) -> Int {
    for start in bytes.indices.suffix(3).reversed() where bytes[start] & 0xC0 != 0x80 {
      let lead = bytes[start]
      let isCut = lead >= 0xC2 && lead < 0xF5 && start + UTF8Reading.length(lead) > bytes.count
      return isCut ? start : bytes.count
    }
    return bytes.count
  }
}
