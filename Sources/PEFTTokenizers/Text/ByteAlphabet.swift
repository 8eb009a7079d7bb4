/// The printable characters by which byte-level vocabularies spell the 256 bytes.
///
/// The bytes `!`...`~`, `0xA1`...`0xAC` and `0xAE`...`0xFF` stand for themselves, the others for U+0100
/// onwards, in order (as in GPT-2).
enum ByteAlphabet {
  /// The UTF-8 of the character of each byte: one byte, or two as `lead << 8 | trail`.
  static let spelling: [UInt16] = {
    var next: UInt16 = 0x100
    return (UInt16(0)...255).map { byte in
      var point = byte
      let standsForItself =
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
      if !standsForItself {
        point = next
        next += 1
      }
      return point < 0x80 ? point : (0xC0 | point >> 6) << 8 | (0x80 | point & 0x3F)
    }
  }()

  /// The byte each character below U+0180 stands for, or -1.
  static let byte: [Int16] = {
    var table = [Int16](repeating: -1, count: 0x180)
    for (byte, code) in spelling.enumerated() {
      let point = code < 0x80 ? code : (code >> 8 & 0x1F) << 6 | code & 0x3F
      table[Int(point)] = Int16(byte)
    }
    return table
  }()

  /// Appends the bytes that the characters of `text` stand for; false where one stands for none.
  static func appendBytes(of text: ArraySlice<UInt8>, to output: inout [UInt8]) -> Bool {
    let start = output.count
    var position = text.startIndex
    while position < text.endIndex {
      let lead = text[position]
      var point = Int(lead)
      if lead >= 0x80 {
        guard lead < 0xC6, position + 1 < text.endIndex else {
          output.removeSubrange(start...)
          return false
        }
        point = Int(lead & 0x1F) << 6 | Int(text[position + 1] & 0x3F)
        position += 1
      }
      position += 1
      let byte = Self.byte[point]
      if byte < 0 {
        output.removeSubrange(start...)
        return false
      }
      output.append(UInt8(byte))
    }
    return true
  }
}
