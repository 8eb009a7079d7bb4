/// What the byte-level pattern and the added tokens ask of a code point.
///
/// The answers are the reference's for every code point, in a table of our own, and do not change with the
/// Unicode version of the platform.
struct CharacterClasses: Sendable {
  /// What a code point is to the byte-level pattern.
  enum Kind: UInt8 {
    /// Neither of the others.
    case other
    /// `\p{L}`.
    case letter
    /// `\p{N}`.
    case number
    /// `\s`.
    case space
  }

  /// The table, unpacked once.
  static let shared = CharacterClasses()

  private static let kindMask: UInt8 = 3
  private static let wordBit: UInt8 = 4

  /// For each block of 256 code points, the place of its classes in `blocks`.
  private let index: [Int32]
  private let blocks: [UInt8]

  private init() {
    var flat: [UInt8] = []
    flat.reserveCapacity(0x110000)
    Self.runs.withUTF8Buffer { runs in
      var count = 0
      for byte in runs {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): count = count * 36 + Int(byte - 0x30)
        case UInt8(ascii: "a")...UInt8(ascii: "z"): count = count * 36 + Int(byte - 0x61) + 10
        default:
          flat.append(contentsOf: repeatElement(Self.flags(of: byte), count: max(count, 1)))
          count = 0
        }
      }
    }
    precondition(flat.count == 0x110000, "character classes: the table does not cover Unicode")
    var index: [Int32] = []
    var blocks: [UInt8] = []
    var known: [ArraySlice<UInt8>: Int32] = [:]
    for start in stride(from: 0, to: flat.count, by: 256) {
      let block = flat[start..<start + 256]
      if let place = known[block] {
        index.append(place)
      } else {
        let place = Int32(blocks.count)
        known[block] = place
        index.append(place)
        blocks += block
      }
    }
    self.index = index
    self.blocks = blocks
  }

  private static func flags(of letter: UInt8) -> UInt8 {
    switch letter {
    case UInt8(ascii: "L"): Kind.letter.rawValue | wordBit
    case UInt8(ascii: "D"): Kind.number.rawValue | wordBit
    case UInt8(ascii: "N"): Kind.number.rawValue
    case UInt8(ascii: "S"): Kind.space.rawValue
    case UInt8(ascii: "W"): wordBit
    default: 0
    }
  }

  private func flags(_ point: UInt32) -> UInt8 {
    blocks[Int(index[Int(point >> 8)]) + Int(point & 0xFF)]
  }

  /// What a code point is to the byte-level pattern.
  func kind(of point: UInt32) -> Kind {
    Kind(rawValue: flags(point) & Self.kindMask) ?? .other
  }

  /// Whether a code point is `\w`.
  func isWord(_ point: UInt32) -> Bool { flags(point) & Self.wordBit != 0 }
}
