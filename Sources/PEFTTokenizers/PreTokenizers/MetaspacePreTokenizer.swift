/// Writes spaces as a visible character, puts one in front and cuts before each.
struct MetaspacePreTokenizer: PreTokenizer {
  private let replacement: [UInt8]
  private let scheme: PrependScheme
  private let cuts: Bool

  /// Where the character is put in front.
  enum PrependScheme: String, CaseIterable, Sendable {
    /// Of the beginning of the input.
    case first
    /// Nowhere.
    case never
    /// Of every stretch between added tokens.
    case always

    /// Reads `prepend_scheme`, or `add_prefix_space` of older files.
    init(reading object: inout ObjectReader) throws(TokenizerError) {
      let older = object.optional("add_prefix_space")
      guard let field = object.optional("prepend_scheme") else {
        self = try older?.bool() == false ? .never : .always
        return
      }
      guard let value = PrependScheme(rawValue: try field.string()) else {
        throw field.unsupported(known: PrependScheme.allCases.map(\.rawValue))
      }
      if let older, try older.bool() != (value != .never) {
        throw older.unsupported(known: ["what prepend_scheme says"])
      }
      self = value
    }
  }

  /// Reads the settings.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    replacement = try Self.replacement(reading: &object)
    scheme = try PrependScheme(reading: &object)
    cuts = try object.bool("split", missing: true)
    try object.finish()
  }

  /// Reads the visible character.
  static func replacement(
    reading object: inout ObjectReader
  ) throws(TokenizerError) -> [UInt8] {
    _ = object.optional("str_rep")
    let field = try object.required("replacement")
    let text = try field.string()
    if text.unicodeScalars.count != 1 { throw field.invalid(expected: "one character") }
    return Array(text.utf8)
  }

  func split(_ words: Words) -> Words {
    var output = Words(emptyCopyOf: words)
    words.forEach { word in
      let first = words.bytes[word.lowerBound]
      let begins =
        first == UInt8(ascii: " ") || words.bytes.matches(replacement, at: word.lowerBound)
      let isFirst = words.startsInput && word.lowerBound == 0
      if !begins, scheme == .always || scheme == .first && isFirst {
        output.text.append(replacement, from: words.text, at: word.lowerBound)
      }
      var position = word.lowerBound
      while position < word.upperBound {
        let end = position + UTF8Reading.length(words.bytes[position])
        if words.bytes[position] == UInt8(ascii: " ") {
          if cuts { output.endWord() }
          output.text.append(replacement, from: words.text, at: position)
        } else {
          if cuts, words.bytes.matches(replacement, at: position) { output.endWord() }
          output.text.append(words.text, position..<end)
        }
        position = end
      }
      output.endWord()
    }
    return output
  }
}
