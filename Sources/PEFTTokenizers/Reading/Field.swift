import PEFTJSON

/// A JSON value with the file and the path it came from, for errors that name it.
struct Field: Sendable {
  /// The value.
  let json: JSON
  /// The file.
  let file: String
  /// Where the value is in the file.
  let name: String

  /// The JSON text in the file at `path`.
  init(contentsOf path: String) throws(TokenizerError) {
    let bytes = try FileBytes.read(path)
    do {
      json = try JSON(parsing: bytes)
    } catch {
      throw .invalidJSON(path: path, reason: error.description)
    }
    file = path
    name = ""
  }

  /// A value inside another.
  init(_ json: JSON, file: String, name: String) {
    self.json = json
    self.file = file
    self.name = name
  }

  /// The error for a value that is not what it should be.
  func invalid(expected: String) -> TokenizerError {
    let found =
      switch json {
      case .integer, .number, .bool: json.text(.compact)
      case .string(let text) where text.utf8.count <= 40: "\"\(text)\""
      default: json.kind
      }
    return .invalid(
      path: file, field: name.isEmpty ? "the file" : name, expected: expected, found: found)
  }

  /// The error for a value that would change the result and is not known here.
  func unsupported(known: [String] = []) -> TokenizerError {
    let text = json.text(.compact)
    let found = text.utf8.count <= 80 ? text : json.kind
    return .unsupported(path: file, field: name, found: found, known: known)
  }

  /// The value as a string.
  func string() throws(TokenizerError) -> String {
    guard let value = json.string else { throw invalid(expected: "a string") }
    return value
  }

  /// The value as a boolean.
  func bool() throws(TokenizerError) -> Bool {
    guard let value = json.bool else { throw invalid(expected: "a boolean") }
    return value
  }

  /// The value as a count or an id.
  func id() throws(TokenizerError) -> Int32 {
    guard let value = json.integer, let id = Int32(exactly: value), id >= 0 else {
      throw invalid(expected: "an integer from 0 to \(Int32.max)")
    }
    return id
  }

  /// The elements of an array.
  func elements() throws(TokenizerError) -> [Field] {
    guard let elements = json.elements else { throw invalid(expected: "an array") }
    return elements.enumerated().map { Field($1, file: file, name: "\(name)[\($0)]") }
  }
}
