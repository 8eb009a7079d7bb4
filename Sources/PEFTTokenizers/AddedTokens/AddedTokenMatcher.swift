/// Finds added tokens in a text: the leftmost first, and of those the longest.
struct AddedTokenMatcher: Sendable {
  /// A stretch of the text; with an id it is an added token.
  struct Stretch: Sendable {
    /// Where it is.
    var range: Range<Int>
    /// The id of the added token.
    var id: Int32?
  }

  private let tokens: [AddedTokens.Token]
  /// For each first byte the tokens that begin with it, the longest first.
  private var candidates: [[Int]] = []

  /// Prepares the search.
  init(_ tokens: [AddedTokens.Token]) {
    self.tokens = tokens
    if tokens.isEmpty { return }
    candidates = Array(repeating: [], count: 256)
    for (index, token) in tokens.enumerated() {
      if let first = token.pattern.first { candidates[Int(first)].append(index) }
    }
    for byte in candidates.indices where candidates[byte].count > 1 {
      candidates[byte].sort { left, right in
        let counts = (tokens[left].pattern.count, tokens[right].pattern.count)
        return counts.0 > counts.1 || counts.0 == counts.1 && left < right
      }
    }
  }

  /// Whether there is nothing to look for.
  var isEmpty: Bool { tokens.isEmpty }

  /// The stretches that the text is made of, in order and without empty ones.
  func stretches(of text: [UInt8]) -> [Stretch] {
    var stretches: [Stretch] = []
    var start = 0
    var position = 0
    while !isEmpty, position < text.count {
      let list = candidates[Int(text[position])]
      guard let index = list.first(where: { text.matches(tokens[$0].pattern, at: position) }) else {
        position += 1
        continue
      }
      let token = tokens[index]
      let end = position + token.pattern.count
      if !token.isSingleWord || isSingleWord(text, position..<end) {
        let left = token.stripsLeft ? max(spaceStart(text, before: position), start) : position
        let right = token.stripsRight ? spaceEnd(text, after: end) : end
        if start < left { stretches.append(Stretch(range: start..<left, id: nil)) }
        stretches.append(Stretch(range: left..<right, id: token.id))
        start = right
      }
      position = end
    }
    if start < text.count { stretches.append(Stretch(range: start..<text.count, id: nil)) }
    return stretches
  }

  private func isSingleWord(_ text: [UInt8], _ range: Range<Int>) -> Bool {
    let classes = CharacterClasses.shared
    if range.lowerBound > 0 {
      let start = UTF8Reading.start(in: text, before: range.lowerBound)
      if classes.isWord(UTF8Reading.point(in: text, at: start).value) { return false }
    }
    return range.upperBound == text.count
      || !classes.isWord(UTF8Reading.point(in: text, at: range.upperBound).value)
  }

  private func spaceStart(_ text: [UInt8], before end: Int) -> Int {
    var position = end
    while position > 0 {
      let start = UTF8Reading.start(in: text, before: position)
      let point = UTF8Reading.point(in: text, at: start).value
      if CharacterClasses.shared.kind(of: point) != .space { break }
      position = start
    }
    return position
  }

  private func spaceEnd(_ text: [UInt8], after start: Int) -> Int {
    var position = start
    while position < text.count {
      let point = UTF8Reading.point(in: text, at: position)
      if CharacterClasses.shared.kind(of: point.value) != .space { break }
      position += point.length
    }
    return position
  }
}
