/// A set of code points, as a class of a regular expression describes it.
struct CodeSet: Sendable {
  /// The ASCII members, bit by bit.
  private(set) var ascii: (low: UInt64, high: UInt64) = (0, 0)
  /// The kinds of code points beyond ASCII that are members.
  private var kinds: UInt64 = 0
  /// How the members beyond ASCII are found where kinds do not tell.
  private var description: Description?

  /// A set put together from others.
  indirect enum Description: Sendable {
    /// The code points of some kinds.
    case kinds(UInt64)
    /// The code points from one to another.
    case range(UInt32, UInt32)
    /// What is in any of these.
    case union([Description])
    /// What is in both.
    case intersection(Description, Description)
    /// What is not in it.
    case complement(Description)

    /// Whether a code point is a member.
    func contains(_ point: UInt32) -> Bool {
      switch self {
      case .kinds(let mask): mask & UnicodeCategories.kind(of: point) != 0
      case .range(let low, let high): low <= point && point <= high
      case .union(let parts): parts.contains { $0.contains(point) }
      case .intersection(let left, let right): left.contains(point) && right.contains(point)
      case .complement(let part): !part.contains(point)
      }
    }

    /// The kinds whose code points beyond ASCII are the members, nil where kinds do not tell.
    var kinds: UInt64? {
      switch self {
      case .kinds(let mask): return mask
      case .range(_, let high): return high < 0x80 ? 0 : nil
      case .union(let parts):
        var mask: UInt64 = 0
        for part in parts {
          guard let kinds = part.kinds else { return nil }
          mask |= kinds
        }
        return mask
      case .intersection(let left, let right):
        guard let left = left.kinds, let right = right.kinds else { return nil }
        return left & right
      case .complement(let part):
        return part.kinds.map { UnicodeCategories.all & ~$0 }
      }
    }
  }

  /// The set that is described.
  init(_ description: Description) {
    for point in UInt32(0)..<64 where description.contains(point) { ascii.low |= 1 << point }
    for point in UInt32(0)..<64 where description.contains(point + 64) { ascii.high |= 1 << point }
    if let kinds = description.kinds {
      self.kinds = kinds
    } else {
      self.description = description
    }
  }

  /// Whether code points beyond ASCII may be members.
  var reachesBeyondASCII: Bool { kinds != 0 || description != nil }

  /// Whether an ASCII character is a member.
  func contains(ascii byte: UInt8) -> Bool {
    (byte < 64 ? ascii.low >> UInt64(byte) : ascii.high >> UInt64(byte - 64)) & 1 != 0
  }

  /// Whether a code point beyond ASCII is a member.
  func contains(foreign point: UInt32) -> Bool {
    description?.contains(point) ?? (kinds & UnicodeCategories.kind(of: point) != 0)
  }

  /// How long the member is that stands at `position`, 0 where none does.
  func length(in bytes: [UInt8], at position: Int) -> Int {
    let lead = bytes[position]
    if lead < 0x80 { return contains(ascii: lead) ? 1 : 0 }
    let (point, length) = UTF8Reading.point(in: bytes, at: position)
    return contains(foreign: point) ? length : 0
  }
}
