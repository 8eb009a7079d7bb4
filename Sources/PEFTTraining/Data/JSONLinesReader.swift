import PEFTJSON

/// The training rows of a JSON Lines file, read one by one.
///
/// Each line is an object with strings `prompt` and `completion`, or with a string `text`. Other members are allowed and not
/// looked at; lines of white space are skipped, and so is a byte order mark at the beginning.
public final class JSONLinesReader {
  /// The number of the line that was read last, from 1.
  public private(set) var line = 0
  private let path: String
  private let lines: LineReader

  /// Opens a file.
  ///
  /// - Parameter path: the path of the file.
  /// - Throws: `DataError.unreadable`.
  public init(path: String) throws(DataError) {
    self.path = path
    lines = try LineReader(path: path)
  }

  /// The next row.
  ///
  /// - Returns: a row, or nil after the last.
  /// - Throws: `DataError` naming the line, where it is no row.
  public func next() throws(DataError) -> TrainingRow? {
    while var bytes = try lines.next() {
      line += 1
      if line == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
      if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      return try row(bytes)
    }
    return nil
  }

  private func row(_ bytes: ArraySlice<UInt8>) throws(DataError) -> TrainingRow {
    let json: JSON
    do {
      json = try JSON(parsing: bytes)
    } catch {
      throw fault(expected: "a JSON object on one line", found: "\(error)")
    }
    guard json.members != nil else { throw fault(found: json.kind) }
    switch (json["text"], json["prompt"], json["completion"]) {
    case (let text?, nil, nil):
      return .text(try string(text, "text"))
    case (nil, let prompt?, let completion?):
      return .completion(
        prompt: try string(prompt, "prompt"), completion: try string(completion, "completion"))
    default:
      let names = json.members?.map { "\"\($0.name)\"" } ?? []
      throw fault(found: names.isEmpty ? "no members" : "members " + names.joined(separator: ", "))
    }
  }

  private func string(_ json: JSON, _ name: String) throws(DataError) -> String {
    guard let string = json.string else {
      throw fault(expected: "a string as \"\(name)\"", found: json.kind)
    }
    return string
  }

  private func fault(
    expected: String = "an object with \"prompt\" and \"completion\", or with \"text\"",
    found: String
  ) -> DataError {
    .invalidRow(path: path, line: line, expected: expected, found: found)
  }
}
