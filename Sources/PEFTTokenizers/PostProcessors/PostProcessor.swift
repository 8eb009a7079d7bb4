/// What belongs around the tokens of one text or of two.
struct PostProcessor: Sendable {
  /// A part of the result.
  enum Piece: Sendable {
    /// The tokens of the first text (0) or of the second (1).
    case text(Int, typeID: Int32)
    /// Special tokens.
    case special([Int32], typeID: Int32)
  }

  /// Whether the first token of a text keeps the space that was put before it.
  struct Trimming: Sendable {
    /// Whether a space was put before the text.
    var addsPrefixSpace: Bool
  }

  /// The parts of a single text.
  var single: [Piece] = [.text(0, typeID: 0)]
  /// The parts of a pair.
  var pair: [Piece] = [.text(0, typeID: 0), .text(1, typeID: 1)]
  /// The parts of a pair without special tokens, where that is not `pair` without them.
  var barePair: [Piece]?
  /// Whether anything is put around the texts.
  var isTemplate = false
  /// Whether and how the spaces that byte-level tokens carry are left out of the offsets.
  var trimming: Trimming?

  /// The parts that there are with or without special tokens.
  func pieces(isPair: Bool, addSpecialTokens: Bool) -> [Piece] {
    if addSpecialTokens { return isPair ? pair : single }
    if isPair, let barePair { return barePair }
    return (isPair ? pair : single).filter { if case .text = $0 { true } else { false } }
  }

  /// How many special tokens are put around one text or two.
  func addedCount(isPair: Bool) -> Int {
    (isPair ? pair : single).reduce(0) {
      if case .special(let ids, _) = $1 { $0 + ids.count } else { $0 }
    }
  }

  /// The ids of a text with what belongs around them.
  func process(_ ids: [Int32], addSpecialTokens: Bool) -> [Int32] {
    if !isTemplate { return ids }
    var output: [Int32] = []
    output.reserveCapacity(ids.count + single.count)
    for piece in pieces(isPair: false, addSpecialTokens: addSpecialTokens) {
      switch piece {
      case .text: output += ids
      case .special(let special, _): output += special
      }
    }
    return output
  }
}
