import PEFTJSON

/// A JSON Lines file: an object on each line.
///
/// Lines of white space are skipped.
public struct JSONLines: DataSource {
  /// The path of the file.
  public let path: String

  /// The file at a path.
  public init(path: String) { self.path = path }

  /// Opens the file.
  public func makeReader() throws(DataError) -> any RecordReader { try Reader(path: path) }

  private final class Reader: RecordReader {
    private let lines: LineReader

    init(path: String) throws(DataError) { lines = try LineReader(path: path) }

    func next() throws(DataError) -> DataRecord? {
      while let bytes = try lines.next() {
        if LineReader.isBlank(bytes) { continue }
        return try DataRecord(
          json: bytes, path: lines.path, line: lines.line, expected: "a JSON object on one line")
      }
      return nil
    }
  }
}

extension DataRecord {
  /// A record from the text of a JSON object.
  init(
    json bytes: ArraySlice<UInt8>, path: String, line: Int, expected: String
  ) throws(DataError) {
    let json: JSON
    do {
      json = try JSON(parsing: bytes)
    } catch {
      throw .invalidRow(path: path, line: line, expected: expected, found: "\(error)")
    }
    guard case .object(let fields) = DataValue(json) else {
      throw .invalidRow(path: path, line: line, expected: expected, found: json.kind)
    }
    self.init(line: line, fields: fields)
  }
}
