/// Searching and cutting text byte for byte, as Python does it.
enum TextSearch {
  /// The places of the bytes of `part` in `text`, from left to right without overlaps.
  ///
  /// An empty part is at the start.
  static func places(of part: String, in text: String, limit: Int = .max) -> [Int] {
    let part = Array(part.utf8)
    let text = Array(text.utf8)
    if part.isEmpty { return limit > 0 ? [0] : [] }
    var places: [Int] = []
    var position = 0
    while position + part.count <= text.count, places.count < limit {
      if text[position] == part[0], text.matches(part, at: position) {
        places.append(position)
        position += part.count
      } else {
        position += 1
      }
    }
    return places
  }

  /// The parts of `text` between the occurrences of `separator`, which is not empty.
  static func split(_ text: String, by separator: String, limit: Int = .max) -> [String] {
    let bytes = Array(text.utf8)
    var parts: [String] = []
    var start = 0
    for place in places(of: separator, in: text, limit: limit) {
      parts.append(String(decoding: bytes[start..<place], as: UTF8.self))
      start = place + separator.utf8.count
    }
    return parts + [String(decoding: bytes[start...], as: UTF8.self)]
  }

  /// `text` without the characters of a set at its ends.
  static func trimmed(
    _ text: String, left: Bool = true, right: Bool = true, of characters: String? = nil
  ) -> String {
    let set = characters.map { Set($0.unicodeScalars) }
    func goes(_ scalar: Unicode.Scalar) -> Bool {
      set?.contains(scalar) ?? isSpace(scalar)
    }
    var part = text.unicodeScalars[...]
    while left, let first = part.first, goes(first) { part.removeFirst() }
    while right, let last = part.last, goes(last) { part.removeLast() }
    return String(part)
  }

  /// Whether Python counts a character as white space.
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    // Python adds four separators of ASCII to what others take for white space.
    TextClasses(of: scalar.value).contains(.space) || (0x1C...0x1F).contains(scalar.value)
  }

  /// The words of a text.
  static func words(of text: String) -> [String] {
    text.unicodeScalars.split(whereSeparator: isSpace).map { String($0) }
  }
}
