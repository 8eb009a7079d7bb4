/// What becomes of the places at which a text is cut.
enum SplitBehavior: String, CaseIterable, Sendable {
  /// They go.
  case removed = "Removed"
  /// Each is a word of its own.
  case isolated = "Isolated"
  /// Each belongs to the word before.
  case mergedWithPrevious = "MergedWithPrevious"
  /// Each belongs to the word after.
  case mergedWithNext = "MergedWithNext"
  /// Neighbouring ones are one word.
  case contiguous = "Contiguous"

  /// Reads the name of a behaviour.
  init(reading field: Field) throws(TokenizerError) {
    guard let value = SplitBehavior(rawValue: try field.string()) else {
      throw field.unsupported(known: SplitBehavior.allCases.map(\.rawValue))
    }
    self = value
  }
}

extension Words {
  /// Appends a part of a text as a word, unless it is empty.
  mutating func appendWord(_ source: Text, _ range: Range<Int>) {
    if range.isEmpty { return }
    text.append(source, range)
    ends.append(text.bytes.count)
  }

  /// Cuts a word at the delimiters among its pieces, which make it up in order.
  mutating func append(
    _ source: Text, pieces: [(range: Range<Int>, isDelimiter: Bool)], _ behavior: SplitBehavior
  ) {
    var start = pieces.first?.range.lowerBound ?? 0
    var wasDelimiter = false
    var isOpen = false
    for piece in pieces {
      switch behavior {
      case .removed:
        if !piece.isDelimiter { appendWord(source, piece.range) }
        continue
      case .isolated:
        appendWord(source, piece.range)
        continue
      case .contiguous:
        if isOpen, piece.isDelimiter != wasDelimiter {
          appendWord(source, start..<piece.range.lowerBound)
          start = piece.range.lowerBound
        }
      case .mergedWithPrevious:
        if isOpen, wasDelimiter || !piece.isDelimiter {
          appendWord(source, start..<piece.range.lowerBound)
          start = piece.range.lowerBound
        }
      case .mergedWithNext:
        if isOpen, !wasDelimiter || piece.isDelimiter {
          appendWord(source, start..<piece.range.lowerBound)
          start = piece.range.lowerBound
        }
      }
      wasDelimiter = piece.isDelimiter
      isOpen = true
    }
    if isOpen, let last = pieces.last { appendWord(source, start..<last.range.upperBound) }
  }
}
