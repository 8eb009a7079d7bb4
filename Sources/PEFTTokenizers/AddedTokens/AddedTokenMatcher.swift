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
  /// The places in `tokens` by pattern; of equal ones that of the first.
  private let trie: ByteTrie
  /// Whether a token begins with each byte.
  private var isFirst = [Bool](repeating: false, count: 256)

  /// Prepares the search.
  init(_ tokens: [AddedTokens.Token]) {
    self.tokens = tokens
    var trie = ByteTrie(capacity: tokens.count)
    for (index, token) in tokens.enumerated().reversed() {
      guard let first = token.pattern.first else { continue }
      trie.insert(token.pattern, id: Int32(index))
      isFirst[Int(first)] = true
    }
    self.trie = trie
  }

  /// Whether there is nothing to look for.
  var isEmpty: Bool { tokens.isEmpty }

  /// The stretches that the text is made of, in order and without empty ones.
  func stretches(of text: [UInt8]) -> [Stretch] {
    var stretches: [Stretch] = []
    var start = 0
    var position = 0
    while !isEmpty, position < text.count {
      guard isFirst[Int(text[position])], let index = longest(in: text, at: position) else {
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

  /// The longest token that begins at a place.
  private func longest(in text: [UInt8], at start: Int) -> Int? {
    var node = ByteTrie.root
    var found: Int32 = -1
    var position = start
    while position < text.count {
      node = trie.next(node, text[position])
      if node < 0 { break }
      if trie.ids[Int(node)] >= 0 { found = trie.ids[Int(node)] }
      position += 1
    }
    return found < 0 ? nil : Int(found)
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
