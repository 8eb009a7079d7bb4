/// A text under way from the input to the model: valid UTF-8 and, where asked for, its origins.
struct Text: Sendable {
  /// The bytes.
  var bytes: [UInt8]
  /// For each byte the bytes of the input that it stands for; nil where nobody asks.
  var origins: [Range<Int>]?

  /// A text without origins.
  init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  /// An empty text, with origins where `tracks` says so.
  init(tracks: Bool) {
    bytes = []
    origins = tracks ? [] : nil
  }

  /// The input itself: every byte of a character stands for the whole character.
  init(input: [UInt8]) {
    bytes = input
    var origins: [Range<Int>] = []
    origins.reserveCapacity(input.count)
    var position = 0
    while position < input.count {
      let end = position + UTF8Reading.length(input[position])
      for _ in position..<end { origins.append(position..<end) }
      position = end
    }
    self.origins = origins
  }

  /// A part of the text.
  func slice(_ range: Range<Int>) -> Text {
    if range.count == bytes.count { return self }
    var part = Text(Array(bytes[range]))
    if let origins { part.origins = Array(origins[range]) }
    return part
  }

  /// An empty text to write a new form of this one to.
  func emptyCopy(capacity: Int) -> Text {
    var copy = Text(tracks: origins != nil)
    copy.bytes.reserveCapacity(capacity)
    return copy
  }

  /// Appends a byte that stands for what the byte of `source` at `place` stands for.
  mutating func append(_ byte: UInt8, from source: Text, at place: Int) {
    bytes.append(byte)
    if let origins = source.origins { self.origins?.append(origins[place]) }
  }

  /// Appends bytes that all stand for what the byte of `source` at `place` stands for.
  mutating func append(_ new: some Collection<UInt8>, from source: Text, at place: Int) {
    bytes.append(contentsOf: new)
    if let origins = source.origins {
      self.origins?.append(contentsOf: repeatElement(origins[place], count: new.count))
    }
  }

  /// Appends a part of `source` as it is.
  mutating func append(_ source: Text, _ range: Range<Int>) {
    bytes += source.bytes[range]
    if let origins = source.origins { self.origins? += origins[range] }
  }

  /// Appends a code point that stands for what the byte of `source` at `place` stands for.
  mutating func append(point: UInt32, from source: Text, at place: Int) {
    let start = bytes.count
    UTF8Reading.append(point, to: &bytes)
    if let origins = source.origins {
      self.origins?.append(
        contentsOf: repeatElement(origins[place], count: bytes.count - start))
    }
  }

  /// What the bytes in `range`, of which there is one at least, stand for.
  func origin(of range: Range<Int>) -> Range<Int>? {
    guard let origins, !range.isEmpty else { return nil }
    let start = origins[range.lowerBound].lowerBound
    return start..<max(start, origins[range.upperBound - 1].upperBound)
  }
}
