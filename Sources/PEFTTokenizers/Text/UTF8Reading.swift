/// Reading code points out of UTF-8 bytes known to be valid.
enum UTF8Reading {
  /// How many bytes the code point has whose first byte is `lead`.
  static func length(_ lead: UInt8) -> Int {
    if lead < 0x80 { 1 } else if lead < 0xE0 { 2 } else if lead < 0xF0 { 3 } else { 4 }
  }

  /// The code point that begins at `position`, and its length in bytes.
  static func point(in bytes: [UInt8], at position: Int) -> (value: UInt32, length: Int) {
    let lead = bytes[position]
    if lead < 0x80 { return (UInt32(lead), 1) }
    let length = length(lead)
    var value = UInt32(lead) & (0x7F >> UInt32(length))
    for offset in 1..<length { value = value << 6 | UInt32(bytes[position + offset] & 0x3F) }
    return (value, length)
  }

  /// Where the code point begins that ends before `end`.
  static func start(in bytes: [UInt8], before end: Int) -> Int {
    var position = end - 1
    while bytes[position] & 0xC0 == 0x80 { position -= 1 }
    return position
  }

  /// Appends the bytes of a code point.
  static func append(_ point: UInt32, to bytes: inout [UInt8]) {
    if point < 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: point))
      return
    }
    if point < 0x800 {
      bytes.append(UInt8(truncatingIfNeeded: 0xC0 | point >> 6))
    } else {
      if point < 0x10000 {
        bytes.append(UInt8(truncatingIfNeeded: 0xE0 | point >> 12))
      } else {
        bytes.append(UInt8(truncatingIfNeeded: 0xF0 | point >> 18))
        bytes.append(UInt8(truncatingIfNeeded: 0x80 | point >> 12 & 0x3F))
      }
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | point >> 6 & 0x3F))
    }
    bytes.append(UInt8(truncatingIfNeeded: 0x80 | point & 0x3F))
  }
}
