/// How code points decompose, compose and are ordered in the normal forms of Unicode.
struct Decompositions: Sendable {
  /// The tables, unpacked once.
  static let shared = Decompositions()

  private let canonicalMap = PointMap(canonical)
  private let compatibilityMap = PointMap(compatibility)
  private let classes = PointMap(combining)
  /// The code point that two others compose to, by both of them in one number.
  private let pairs: [UInt64: UInt32]

  private init() {
    var excludedPoints: Set<UInt32> = []
    var point: UInt32 = 0
    PackedNumbers.forEach(in: Self.excluded) { row in
      point += row[0]
      excludedPoints.insert(point)
    }
    var composed: [ArraySlice<UInt32>: UInt32] = [:]
    var list: [(point: UInt32, parts: [UInt32])] = []
    point = 0
    PackedNumbers.forEach(in: Self.canonical) { row in
      point += row[0]
      if row.count > 2, !excludedPoints.contains(point) {
        composed[row.dropFirst()] = point
        list.append((point, Array(row.dropFirst())))
      }
    }
    var pairs: [UInt64: UInt32] = [:]
    for (point, parts) in list {
      let first = parts.count == 2 ? parts[0] : composed[parts.dropLast()]
      if let first { pairs[UInt64(first) << 32 | UInt64(parts[parts.count - 1])] = point }
    }
    self.pairs = pairs
  }

  /// The combining class of a code point.
  func combiningClass(_ point: UInt32) -> UInt32 { classes.first(point) }

  /// What a code point decomposes into, Hangul syllables apart; nil where it stays.
  func parts(of point: UInt32, isCompatibility: Bool) -> ArraySlice<UInt32>? {
    if isCompatibility, let parts = compatibilityMap[point] { return parts }
    return canonicalMap[point]
  }

  /// Visits what a code point decomposes into.
  func decompose(_ point: UInt32, isCompatibility: Bool, _ body: (UInt32) -> Void) {
    if let parts = parts(of: point, isCompatibility: isCompatibility) {
      for part in parts { body(part) }
    } else if Hangul.isSyllable(point) {
      let index = point - Hangul.syllables
      body(Hangul.leads + index / Hangul.perLead)
      body(Hangul.vowels + index % Hangul.perLead / Hangul.tailCount)
      let tail = index % Hangul.tailCount
      if tail > 0 { body(Hangul.tails + tail) }
    } else {
      body(point)
    }
  }

  /// What two code points compose to, or nil.
  func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
    let lead = first &- Hangul.leads
    let vowel = second &- Hangul.vowels
    if lead < Hangul.leadCount, vowel < Hangul.vowelCount {
      return Hangul.syllables + (lead * Hangul.vowelCount + vowel) * Hangul.tailCount
    }
    let tail = second &- Hangul.tails
    if Hangul.isSyllable(first), (first - Hangul.syllables) % Hangul.tailCount == 0,
      tail > 0, tail < Hangul.tailCount
    {
      return first + tail
    }
    return pairs[UInt64(first) << 32 | UInt64(second)]
  }

  /// The numbers behind the syllables of Hangul (the Unicode Standard, section 3.12).
  private enum Hangul {
    static let syllables: UInt32 = 0xAC00
    static let leads: UInt32 = 0x1100
    static let vowels: UInt32 = 0x1161
    static let tails: UInt32 = 0x11A7
    static let leadCount: UInt32 = 19
    static let vowelCount: UInt32 = 21
    static let tailCount: UInt32 = 28
    static let perLead = vowelCount * tailCount

    static func isSyllable(_ point: UInt32) -> Bool {
      point >= syllables && point < syllables + leadCount * perLead
    }
  }
}
