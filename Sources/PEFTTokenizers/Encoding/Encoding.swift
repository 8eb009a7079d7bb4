/// All that is known about the tokens of a text or of a pair of texts.
///
/// All arrays have one element for each token.
public struct Encoding: Sendable, Equatable {
  /// The ids.
  public internal(set) var ids: [Int32] = []
  /// The types: mostly 0 for the first text and 1 for the second.
  public internal(set) var typeIDs: [Int32] = []
  /// The tokens as the vocabulary spells them.
  public internal(set) var tokens: [String] = []
  /// The UTF-8 bytes of the input that each token stands for, counted in its own text.
  ///
  /// A special token stands for none, which is `0..<0`.
  public internal(set) var byteOffsets: [Range<Int>] = []
  /// The characters (Unicode scalars, as in Python) of the input that each token stands for.
  public internal(set) var offsets: [Range<Int>] = []
  /// 1 for a token, 0 for padding.
  public internal(set) var attentionMask: [Int32] = []
  /// 1 for a token put around the text and for padding, 0 for one of the text.
  public internal(set) var specialTokensMask: [Int32] = []
  /// The number of the word of its text that each token belongs to.
  public internal(set) var wordIDs: [Int?] = []
  /// The text that each token belongs to: 0 for the first, 1 for the second, nil for neither.
  public internal(set) var textIDs: [Int?] = []
  /// What truncation cut off, in encodings of the same form.
  public internal(set) var overflowing: [Encoding] = []

  /// How many tokens there are.
  public var count: Int { ids.count }

  /// An empty encoding.
  public init() {}

  /// The tokens in a range.
  func slice(_ range: Range<Int>) -> Encoding {
    var part = Encoding()
    part.ids = Array(ids[range])
    part.typeIDs = Array(typeIDs[range])
    part.tokens = Array(tokens[range])
    part.byteOffsets = Array(byteOffsets[range])
    part.offsets = Array(offsets[range])
    part.attentionMask = Array(attentionMask[range])
    part.specialTokensMask = Array(specialTokensMask[range])
    part.wordIDs = Array(wordIDs[range])
    part.textIDs = Array(textIDs[range])
    return part
  }

  /// Appends the tokens of another encoding.
  mutating func append(_ other: Encoding) {
    ids += other.ids
    typeIDs += other.typeIDs
    tokens += other.tokens
    byteOffsets += other.byteOffsets
    offsets += other.offsets
    attentionMask += other.attentionMask
    specialTokensMask += other.specialTokensMask
    wordIDs += other.wordIDs
    textIDs += other.textIDs
  }

  /// Tokens that stand for nothing in the input.
  init(special ids: [Int32], tokens: [String], typeID: Int32, attention: Int32 = 1) {
    self.ids = ids
    self.tokens = tokens
    typeIDs = ids.map { _ in typeID }
    byteOffsets = ids.map { _ in 0..<0 }
    offsets = byteOffsets
    attentionMask = ids.map { _ in attention }
    specialTokensMask = ids.map { _ in 1 }
    wordIDs = ids.map { _ in nil }
    textIDs = wordIDs
  }
}
