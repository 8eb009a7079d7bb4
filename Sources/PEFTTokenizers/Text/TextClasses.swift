/// What normalisers and pre-tokenisers ask of a code point; the answers are the reference's.
struct TextClasses: OptionSet, Sendable {
  let rawValue: UInt16

  init(rawValue: UInt16) { self.rawValue = rawValue }

  /// BERT's cleaning takes it away.
  static let control = TextClasses(rawValue: 1)
  /// BERT's cleaning makes it a space.
  static let cleanedSpace = TextClasses(rawValue: 2)
  /// BERT puts spaces around it.
  static let chinese = TextClasses(rawValue: 4)
  /// A mark that takes no space, which BERT takes away with the accents.
  static let nonspacingMark = TextClasses(rawValue: 8)
  /// A combining mark, which `StripAccents` takes away.
  static let combiningMark = TextClasses(rawValue: 16)
  /// White space.
  static let space = TextClasses(rawValue: 32)
  /// Punctuation.
  static let punctuation = TextClasses(rawValue: 64)
  /// A digit or another numeric character.
  static let numeric = TextClasses(rawValue: 128)
  /// `\w` of the pre-tokeniser `Whitespace`.
  static let word = TextClasses(rawValue: 512)
  /// `\s` of the pre-tokeniser `Whitespace`.
  static let patternSpace = TextClasses(rawValue: 1024)

  private static let table = RunTable(runs, kinds: kinds)

  /// The classes of a code point.
  init(of point: UInt32) { rawValue = Self.table[point] }
}
