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

  private let table: RunTable

  private init() { table = RunTable(Self.runs) { UInt16(Self.flags(of: $0)) } }

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

  private func flags(_ point: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: table[point]) }

  /// What a code point is to the byte-level pattern.
  func kind(of point: UInt32) -> Kind {
    Kind(rawValue: flags(point) & Self.kindMask) ?? .other
  }

  /// Whether a code point is `\w`.
  func isWord(_ point: UInt32) -> Bool { flags(point) & Self.wordBit != 0 }
}
