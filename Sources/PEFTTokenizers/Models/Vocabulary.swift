import PEFTJSON

/// Tokens as bytes, found by id and by their bytes.
///
/// Bytes, not strings: Swift's strings are equal when canonically equivalent, tokens are not.
struct Vocabulary: Sendable {
  /// How many tokens there are.
  private(set) var count = 0
  private var bytes: [UInt8] = []
  /// For each id where its token begins and ends in `bytes`, begin -1 for an id without token.
  private var spans: [(start: Int32, end: Int32)] = []
  /// An open-addressing table of ids, -1 where free; its size is a power of two.
  private var slots: [Int32]

  /// Makes an empty vocabulary with room for `capacity` tokens.
  init(capacity: Int) {
    var size = 16
    while size < capacity * 2 { size *= 2 }
    slots = Array(repeating: -1, count: size)
  }

  /// Reads an object of tokens and ids.
  init(reading field: Field) throws(TokenizerError) {
    guard let members = field.json.members else { throw field.invalid(expected: "an object") }
    self.init(capacity: members.count)
    // An id far beyond the count would be a hole in every embedding, and memory here.
    let limit = members.count * 16 + 1024
    for member in members {
      let value = Field(member.value, file: field.file, name: "\(field.name)[\"\(member.name)\"]")
      let id = try value.id()
      if Int(id) >= limit { throw value.invalid(expected: "an id below \(limit)") }
      if let other = token(id) {
        throw .duplicateID(path: field.file, id: Int(id), tokens: [other, member.name])
      }
      insert(Array(member.name.utf8), id: id)
    }
  }

  /// Adds a token that is not there, with an id that is free.
  mutating func insert(_ token: [UInt8], id: Int32) {
    while spans.count <= Int(id) { spans.append((-1, -1)) }
    let start = Int32(bytes.count)
    bytes += token
    spans[Int(id)] = (start, Int32(bytes.count))
    var slot = Int(truncatingIfNeeded: Self.hash(token, 0..<token.count)) & (slots.count - 1)
    while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = id
    count += 1
  }

  /// The id of the token with these bytes.
  func id(of token: [UInt8]) -> Int32? { id(of: token, in: 0..<token.count) }

  /// The id of the token with the bytes of `text` in `range`.
  ///
  /// - Complexity: linear in the length of the range.
  func id(of text: [UInt8], in range: Range<Int>) -> Int32? {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: Self.hash(text, range)) & mask
    while true {
      let id = slots[slot]
      if id < 0 { return nil }
      let span = spans[Int(id)]
      if Int(span.end - span.start) == range.count {
        var offset = 0
        while offset < range.count,
          bytes[Int(span.start) + offset] == text[range.lowerBound + offset]
        {
          offset += 1
        }
        if offset == range.count { return id }
      }
      slot = (slot + 1) & mask
    }
  }

  /// The bytes of the token with this id.
  func bytes(of id: Int32) -> ArraySlice<UInt8>? {
    guard id >= 0, Int(id) < spans.count, spans[Int(id)].start >= 0 else { return nil }
    let span = spans[Int(id)]
    return bytes[Int(span.start)..<Int(span.end)]
  }

  /// The token with this id.
  func token(_ id: Int32) -> String? { bytes(of: id).map { String(decoding: $0, as: UTF8.self) } }

  /// Visits the tokens in the order of their ids.
  func forEach(_ body: (_ id: Int32, _ bytes: ArraySlice<UInt8>) -> Void) {
    for (id, span) in spans.enumerated() where span.start >= 0 {
      body(Int32(id), bytes[Int(span.start)..<Int(span.end)])
    }
  }

  private static func hash(_ text: [UInt8], _ range: Range<Int>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for position in range { hash = (hash ^ UInt64(text[position])) &* 0x100_0000_01B3 }
    return hash ^ hash >> 29
  }
}
