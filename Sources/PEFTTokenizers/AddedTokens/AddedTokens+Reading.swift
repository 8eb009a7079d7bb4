extension AddedTokens {
  /// Reads `added_tokens`.
  ///
  /// A token that the vocabulary has keeps its id there; others are numbered on from the vocabulary. An
  /// id in the file that says otherwise is an error: the reference would not use it either.
  static func read(
    _ field: Field?, vocabulary: Vocabulary
  ) throws(TokenizerError) -> [Token] {
    var list: [Token] = []
    var seen: [Int32: String] = [:]
    var next = Int32(vocabulary.count)
    for element in try field?.elements() ?? [] {
      let token = try Token(reading: element)
      if token.pattern.isEmpty { continue }
      if let other = seen[token.id] {
        throw .duplicateID(
          path: element.file, id: Int(token.id), tokens: [other, token.content])
      }
      seen[token.id] = token.content
      let known = vocabulary.id(of: token.pattern)
      let expected = known ?? next
      if token.id != expected {
        throw .conflictingID(
          path: element.file, token: token.content, expected: Int(expected), found: Int(token.id))
      }
      if known == nil { next += 1 }
      list.append(token)
    }
    return list
  }
}
