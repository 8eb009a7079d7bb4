import PEFTJSON

extension Tokenizer {
  /// A tokenizer.json with tokens that it did not have.
  public struct Extension: Sendable, Hashable {
    /// The text of the file.
    public let text: String
    /// The id of every token that was asked for, in order.
    public let ids: [Int32]
  }

  /// A tokenizer.json with further tokens, which are found in a text before anything is split.
  ///
  /// They get the ids after those that there are, as in Transformers; a token that there is already keeps its own. The model needs rows for
  /// them: `CausalLM(directory:addedTokens:)`.
  ///
  /// - Parameters:
  ///   - tokens: texts, none of them empty.
  ///   - file: the path of a tokenizer.json.
  /// - Returns: the text of the new file, to be written wherever the model or an adapter is.
  /// - Throws: `TokenizerError` where the file is no tokenizer.
  public static func adding(
    _ tokens: [String], to file: String
  ) throws(TokenizerError) -> Extension {
    precondition(!tokens.contains(""), "Tokenizer.adding: an empty token")
    let tokenizer = try Tokenizer(file: file)
    var members = try Field(contentsOf: file).json.members ?? []
    var next = Int32(tokenizer.vocabularySize)
    var (ids, entries): ([Int32], [JSON]) = ([], [])
    var new: [[UInt8]: Int32] = [:]
    for token in tokens {
      let bytes = Array(token.utf8)
      if let id = tokenizer.addedTokens.id(of: token) ?? new[bytes] {
        ids.append(id)
        continue
      }
      // One of the vocabulary keeps its id, but only an entry has it found before texts are split.
      let known = tokenizer.id(of: token)
      let id = known ?? next
      if known == nil { next += 1 }
      new[bytes] = id
      ids.append(id)
      entries.append(
        .object([
          .init("id", .integer(Int(id))), .init("content", .string(token)),
          .init("single_word", .bool(false)), .init("lstrip", .bool(false)),
          .init("rstrip", .bool(false)), .init("normalized", .bool(false)),
          .init("special", .bool(false)),
        ]))
    }
    let name = "added_tokens"
    if let place = members.firstIndex(where: { $0.name == name }) {
      members[place] = .init(name, .array((members[place].value.elements ?? []) + entries))
    } else {
      members.append(.init(name, .array(entries)))
    }
    return Extension(text: JSON.object(members).text(.indented) + "\n", ids: ids)
  }
}
