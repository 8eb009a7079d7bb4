/// The values of the rows of a file with separators, one row at a time.
final class DelimitedRows {
  let path: String
  /// The line that the row begins on which was read last.
  private(set) var start = 0
  private let separator: UInt8
  private let isQuoted: Bool
  private var stream: ByteStream

  init(path: String, separator: UInt8, isQuoted: Bool) throws(DataError) {
    (self.path, self.separator, self.isQuoted) = (path, separator, isQuoted)
    stream = try ByteStream(path: path)
  }

  /// The values of the next row; nil after the last.
  func next() throws(DataError) -> [String]? {
    while try stream.peek() != nil {
      start = stream.line
      if try skipLineEnd() { continue }
      return try row()
    }
    return nil
  }

  private func row() throws(DataError) -> [String] {
    var (values, size, badColumn) = ([String](), 0, Int?.none)
    func finished() throws(DataError) -> [String] {
      if let badColumn { throw fault("UTF-8", "other bytes in column \(badColumn)") }
      return values
    }
    while true {
      let first = try stream.peek()
      let isInQuotes = isQuoted && first == UInt8(ascii: "\"")
      let bytes = isInQuotes ? try quoted(size) : try plain(size)
      // The separator counts too, so that a line of nothing else is no endless row.
      size += bytes.count + 1
      let text = String(validating: bytes, as: UTF8.self)
      if text == nil { badColumn = badColumn ?? values.count + 1 }
      values.append(text ?? "")
      if try stream.peek() == separator {
        _ = try stream.next()
      } else if try stream.peek() == nil {
        return try finished()
      } else if try skipLineEnd() {
        return try finished()
      } else {
        try skipLine()
        throw fault(
          "a separator after the closing quotation mark of column \(values.count)",
          "more characters")
      }
    }
  }

  /// A value without quotation marks around it.
  private func plain(_ size: Int) throws(DataError) -> [UInt8] {
    var bytes: [UInt8] = []
    while let byte = try stream.peek(), byte != separator, byte != UInt8(ascii: "\n") {
      _ = try stream.next()
      if byte == UInt8(ascii: "\r"), try stream.peek() ?? 0x0A == 0x0A { break }
      bytes.append(byte)
      try RowLimit.check(size + bytes.count, path: path, line: start)
    }
    return bytes
  }

  /// A value between quotation marks, of which two stand for one.
  private func quoted(_ size: Int) throws(DataError) -> [UInt8] {
    let line = stream.line
    _ = try stream.next()
    var bytes: [UInt8] = []
    while let byte = try stream.next() {
      if byte == UInt8(ascii: "\"") {
        guard try stream.peek() == UInt8(ascii: "\"") else { return bytes }
        _ = try stream.next()
      }
      bytes.append(byte)
      try RowLimit.check(size + bytes.count, path: path, line: start)
    }
    throw .invalidFile(
      path: path, line: line, expected: "a closing quotation mark for the one here",
      found: "the end of the file")
  }

  /// Goes past the end of a line, where one is.
  private func skipLineEnd() throws(DataError) -> Bool {
    if try stream.peek() == UInt8(ascii: "\r") { _ = try stream.next() }
    guard try stream.peek() == UInt8(ascii: "\n") else { return false }
    _ = try stream.next()
    return true
  }

  /// Goes to the next line after a bad row.
  private func skipLine() throws(DataError) {
    while let byte = try stream.next(), byte != UInt8(ascii: "\n") {}
  }

  private func fault(_ expected: String, _ found: String) -> DataError {
    .invalidRow(path: path, line: start, expected: expected, found: found)
  }
}
