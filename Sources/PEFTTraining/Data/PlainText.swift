/// Texts that stand one after another in a file of UTF-8, with white space around them left out.
public struct PlainText: DataSource {
  /// What parts the texts.
  public enum Border: Sendable, Hashable {
    /// One or more blank lines.
    case blankLine
    /// A fixed text, which may stand in the middle of a line.
    case separator(String)
  }

  /// The path of the file.
  public let path: String
  private let border: Border

  /// The file at a path.
  public init(path: String, border: Border = .blankLine) {
    if case .separator(let text) = border {
      precondition(!text.isEmpty, "PlainText: an empty separator")
    }
    (self.path, self.border) = (path, border)
  }

  /// Opens the file.
  public func makeReader() throws(DataError) -> any RecordReader {
    try Reader(LineReader(path: path), border)
  }

  private final class Reader: RecordReader {
    private let lines: LineReader
    /// Empty where blank lines part the texts.
    private let separator: [UInt8]
    /// What was read and not given away: the bytes from `start` on.
    private var buffer: [UInt8] = []
    private var start = 0
    /// The line that the byte at `start` stands on.
    private var line = 1

    init(_ lines: LineReader, _ border: Border) {
      self.lines = lines
      if case .separator(let text) = border {
        separator = Array(text.utf8)
      } else {
        separator = []
      }
    }

    func next() throws(DataError) -> DataRecord? {
      while let (bytes, line) = try part() {
        guard let text = String(validating: bytes, as: UTF8.self) else {
          throw .invalidRow(
            path: lines.path, line: line, expected: "UTF-8", found: "other bytes")
        }
        let stripped = text.strippedOfWhiteSpace
        if stripped.isEmpty { continue }
        let space = text.unicodeScalars.prefix { $0.properties.isWhitespace }
        return DataRecord(
          line: line + space.count { $0 == "\n" }, fields: [.init("text", .text(stripped))])
      }
      return nil
    }

    /// The bytes up to the next border, and the line they begin on; nil after the last.
    private func part() throws(DataError) -> (bytes: [UInt8], line: Int)? {
      var searched = start
      while true {
        if !separator.isEmpty, let place = place(from: searched) {
          defer { (start, line) = (place + separator.count, lines.line) }
          return (Array(buffer[start..<place]), line)
        }
        searched = max(start, buffer.count - separator.count + 1)
        guard let next = try lines.next() else {
          defer { start = buffer.count }
          return start < buffer.count ? (Array(buffer[start...]), line) : nil
        }
        if separator.isEmpty, LineReader.isBlank(next) {
          defer { (buffer, start, line) = ([], 0, lines.line + 1) }
          if buffer.isEmpty { continue }
          return (buffer, line)
        }
        if start > 0 {
          buffer.removeFirst(start)
          (searched, start) = (searched - start, 0)
        }
        buffer += next
        buffer.append(UInt8(ascii: "\n"))
        try RowLimit.check(buffer.count, path: lines.path, line: line)
      }
    }

    private func place(from first: Int) -> Int? {
      let last = buffer.count - separator.count
      guard first <= last else { return nil }
      return (first...last).first {
        buffer[$0] == separator[0] && buffer[$0...].starts(with: separator)
      }
    }
  }
}

extension String {
  /// Without white space at both ends.
  var strippedOfWhiteSpace: String {
    let scalars = unicodeScalars
    func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }
    guard let first = scalars.firstIndex(where: { !isSpace($0) }),
      let last = scalars.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(scalars[first...last])
  }
}
