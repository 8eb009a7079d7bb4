/// The tokens of a text: their ids and, where asked for, what each stands for.
struct TokenRow: Sendable {
  /// The ids.
  var ids: [Int32] = []
  /// For each token the bytes of the input it stands for; nil where nobody asks.
  var origins: [Range<Int>]?
  /// For each token the number of its word; empty where nobody asks.
  var words: [Int] = []
  /// How many words there are so far.
  var wordCount = 0

  /// An empty row.
  init(tracks: Bool) { origins = tracks ? [] : nil }

  /// Whether origins are asked for.
  var tracks: Bool { origins != nil }

  /// Appends a token of the current word that stands for `span` of a text.
  mutating func append(_ id: Int32, _ text: Text, _ span: Range<Int>) {
    ids.append(id)
    track(text, span)
  }

  /// Notes what the token just appended stands for.
  mutating func track(_ text: Text, _ span: Range<Int>) {
    if origins == nil { return }
    origins?.append(text.origin(of: span) ?? 0..<0)
    words.append(wordCount)
  }
}
