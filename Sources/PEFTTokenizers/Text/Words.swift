/// A text cut into words: all their bytes in one text, and where each word ends.
struct Words: Sendable {
  /// The text of all words, valid UTF-8 in each.
  var text: Text
  /// The end of each word in `bytes`; a word begins where the one before ends.
  var ends: [Int]
  /// Whether the first word begins where the input does.
  var startsInput = true

  /// One word, or none where the text is empty.
  init(whole text: Text, startsInput: Bool = true) {
    self.text = text
    self.startsInput = startsInput
    ends = text.bytes.isEmpty ? [] : [text.bytes.count]
  }

  /// No words, to write a new form of `words` to.
  init(emptyCopyOf words: Words) {
    text = words.text.emptyCopy(capacity: words.bytes.count)
    startsInput = words.startsInput
    ends = []
    ends.reserveCapacity(words.bytes.count / 4)
  }

  /// The bytes of all words.
  var bytes: [UInt8] { text.bytes }

  /// Ends a word here, unless it is empty.
  mutating func endWord() {
    let end = text.bytes.count
    if end > ends.last ?? 0 { ends.append(end) }
  }

  /// Visits the ranges of the words in order.
  func forEach(_ body: (Range<Int>) -> Void) {
    var start = 0
    for end in ends {
      body(start..<end)
      start = end
    }
  }
}
