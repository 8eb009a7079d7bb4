import PEFTJSON

extension BPE {
  /// Reads the `model` of a tokenizer.json.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    let vocabulary = try Vocabulary(reading: try object.required("vocab"))
    var settings = Settings()
    if let field = object.optional("unk_token") {
      let token = try field.string()
      guard let id = vocabulary.id(of: Array(token.utf8)) else {
        throw .unknownToken(path: field.file, field: field.name, token: token)
      }
      settings.unknown = id
    }
    settings.fusesUnknown = try object.bool("fuse_unk", missing: false)
    settings.ignoresMerges = try object.bool("ignore_merges", missing: false)
    settings.fallsBackToBytes = try object.bool("byte_fallback", missing: false)
    if let dropout = object.optional("dropout"), dropout.json.number != 0 {
      throw dropout.unsupported(known: ["null", "0"])
    }
    settings.prefix = try object.optional("continuing_subword_prefix")?.string() ?? ""
    settings.suffix = try object.optional("end_of_word_suffix")?.string() ?? ""
    let prefix = Array(settings.prefix.utf8)
    var merges: [Merge] = []
    for field in try object.required("merges").elements() {
      if let pair = try Self.pair(reading: field) {
        merges.append(try Self.merge(pair, vocabulary, prefix: prefix, field.file, field.name))
      }
    }
    try object.finish()
    self.init(vocabulary: vocabulary, merges: merges, settings: settings)
  }

  /// Reads vocab.json and merges.txt (or vocab.bpe).
  init(vocabularyFile: String, mergesFile: String) throws(TokenizerError) {
    let vocabulary = try Vocabulary(reading: try Field(contentsOf: vocabularyFile))
    let bytes = try FileBytes.read(mergesFile)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .invalid(
        path: mergesFile, field: "the file", expected: "UTF-8", found: "other bytes")
    }
    var merges: [Merge] = []
    var number = 0
    var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    for line in lines {
      number += 1
      let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      let name = "line \(number)"
      let parts = Self.parts(of: content)
      if parts.isHeader { continue }
      guard let pair = parts.pair else {
        throw .invalid(
          path: mergesFile, field: name, expected: "two tokens with a space between",
          found: "\"\(String(decoding: content, as: UTF8.self))\"")
      }
      merges.append(try Self.merge(pair, vocabulary, prefix: [], mergesFile, name))
    }
    self.init(vocabulary: vocabulary, merges: merges, settings: Settings())
  }

  private typealias Pair = (left: [UInt8], right: [UInt8])

  /// A merge as an array of two tokens or as both with a space between; nil for a version line.
  private static func pair(reading field: Field) throws(TokenizerError) -> Pair? {
    if field.json.elements != nil {
      let parts = try field.elements()
      if parts.count != 2 { throw field.invalid(expected: "two tokens") }
      return (Array(try parts[0].string().utf8), Array(try parts[1].string().utf8))
    }
    let parts = parts(of: try field.string().utf8)
    if parts.isHeader { return nil }
    guard let pair = parts.pair else {
      throw field.invalid(expected: "two tokens with a space between")
    }
    return pair
  }

  private static func parts(
    of line: some Collection<UInt8>
  ) -> (pair: Pair?, isHeader: Bool) {
    if line.starts(with: "#version".utf8) { return (nil, true) }
    let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    return (parts.count == 2 ? (Array(parts[0]), Array(parts[1])) : nil, false)
  }

  private static func merge(
    _ pair: Pair, _ vocabulary: Vocabulary, prefix: [UInt8], _ file: String, _ field: String
  ) throws(TokenizerError) -> Merge {
    func id(_ token: [UInt8]) throws(TokenizerError) -> Int32 {
      guard let id = vocabulary.id(of: token) else {
        throw .unknownToken(
          path: file, field: field, token: String(decoding: token, as: UTF8.self))
      }
      return id
    }
    // The reference takes the prefix off without looking whether it is there.
    return Merge(
      left: try id(pair.left), right: try id(pair.right),
      joined: try id(pair.left + pair.right.dropFirst(prefix.count)))
  }
}
