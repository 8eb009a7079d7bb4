/// What keeps a tokenizer from being read.
///
/// Each case names the file; `field` is the path of a value inside it, such as `model.merges[3]`.
public enum TokenizerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A file could not be read.
  case unreadable(path: String, reason: String)
  /// A folder holds none of the files a tokenizer is made of.
  case nothingFound(folder: String, expected: [String])
  /// A file is no JSON text.
  case invalidJSON(path: String, reason: String)
  /// A value that must be there is missing.
  case missing(path: String, field: String)
  /// A value is of the wrong kind or outside what it may be.
  case invalid(path: String, field: String, expected: String, found: String)
  /// A component, setting or file that would change the result is not known here.
  case unsupported(path: String, field: String, found: String, known: [String])
  /// A merge or a setting names a token that the vocabulary does not have.
  case unknownToken(path: String, field: String, token: String)
  /// Two tokens have the same id.
  case duplicateID(path: String, id: Int, tokens: [String])
  /// An added token's id is not the one its content has or gets.
  case conflictingID(path: String, token: String, expected: Int, found: Int)

  /// What is wrong, where, and what would be right.
  public var description: String {
    switch self {
    case .unreadable(let path, let reason):
      "\(path): cannot be read: \(reason)"
    case .nothingFound(let folder, let expected):
      "\(folder): no tokenizer here, expected \(expected.joined(separator: " or "))"
    case .invalidJSON(let path, let reason):
      "\(path): not valid JSON: \(reason)"
    case .missing(let path, let field):
      "\(path): \(field) is missing"
    case .invalid(let path, let field, let expected, let found):
      "\(path): \(field) should be \(expected), found \(found)"
    case .unsupported(let path, let field, let found, let known):
      "\(path): \(field) is \(found), which is not supported"
        + (known.isEmpty ? "" : "; known: \(known.joined(separator: ", "))")
    case .unknownToken(let path, let field, let token):
      "\(path): \(field) names \"\(token)\", which is not in the vocabulary"
    case .duplicateID(let path, let id, let tokens):
      "\(path): id \(id) belongs to "
        + tokens.map { "\"\($0)\"" }.joined(separator: " and to ")
    case .conflictingID(let path, let token, let expected, let found):
      "\(path): added token \"\(token)\" has id \(found), expected \(expected)"
    }
  }
}
