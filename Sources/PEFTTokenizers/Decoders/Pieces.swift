/// Some more of a row of texts: parts of texts and where a text ends.
///
/// A decoder works on each text (at first a token) by itself; one that joins all of them into one text
/// still passes on what it has, as a part of a text that has not ended.
struct Pieces: Sendable {
  /// A part of a text.
  struct Part: Sendable {
    /// Where the part ends in `bytes`; it begins where the one before ends.
    var end: Int
    /// Whether the text ends with this part.
    var endsText: Bool
  }

  /// The bytes of all parts, valid UTF-8 in each.
  private(set) var bytes: [UInt8] = []
  /// The parts.
  private(set) var parts: [Part] = []

  /// Makes room for a number of bytes.
  mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

  /// Adds a part.
  mutating func append(_ part: some Collection<UInt8>, endsText: Bool) {
    bytes.append(contentsOf: part)
    parts.append(Part(end: bytes.count, endsText: endsText))
  }

  /// Adds a part whose bytes `write` appends, and passes on what `write` returns.
  mutating func append<Result>(
    endsText: Bool, _ write: (inout [UInt8]) -> Result
  ) -> Result {
    let result = write(&bytes)
    parts.append(Part(end: bytes.count, endsText: endsText))
    return result
  }

  /// Visits the parts in order.
  func forEach(_ body: (_ part: ArraySlice<UInt8>, _ endsText: Bool) -> Void) {
    var start = 0
    for part in parts {
      body(bytes[start..<part.end], part.endsText)
      start = part.end
    }
  }
}
