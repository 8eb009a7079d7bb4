/// A JSON file that is one array of objects, as the instruction sets in the form of Alpaca are.
///
/// It is read object by object.
public struct JSONArrayFile: DataSource {
  /// The path of the file.
  public let path: String

  /// The file at a path.
  public init(path: String) { self.path = path }

  /// Opens the file.
  public func makeReader() throws(DataError) -> any RecordReader { try Reader(path: path) }

  private final class Reader: RecordReader {
    private let path: String
    private var stream: ByteStream
    private var isFirst = true
    private var isFinished = false

    init(path: String) throws(DataError) {
      self.path = path
      stream = try ByteStream(path: path)
    }

    func next() throws(DataError) -> DataRecord? {
      if isFinished { return nil }
      do {
        guard try enter() else { return nil }
        try skipSpace()
        let line = stream.line
        let bytes = try element()
        return try DataRecord(
          json: bytes[...], path: path, line: line, expected: "a JSON object in the array")
      } catch {
        if case .invalidRow = error {} else { isFinished = true }
        throw error
      }
    }

    /// Goes to where an element begins; false after the last.
    private func enter() throws(DataError) -> Bool {
      try skipSpace()
      if isFirst {
        guard try stream.peek() == UInt8(ascii: "[") else {
          throw try fault("an array of objects")
        }
        _ = try stream.next()
        isFirst = false
        try skipSpace()
        if try stream.peek() != UInt8(ascii: "]") { return true }
      } else if try stream.peek() == UInt8(ascii: ",") {
        _ = try stream.next()
        return true
      }
      guard try stream.next() == UInt8(ascii: "]") else {
        throw try fault("a comma or the end of the array")
      }
      try skipSpace()
      guard try stream.peek() == nil else { throw try fault("nothing after the array") }
      isFinished = true
      return false
    }

    /// The bytes up to the comma or bracket after an element.
    private func element() throws(DataError) -> [UInt8] {
      var (bytes, depth, isString) = ([UInt8](), 0, false)
      let start = stream.line
      while let byte = try stream.peek() {
        if isString {
          if byte == UInt8(ascii: "\\") {
            bytes.append(byte)
            _ = try stream.next()
            guard let escaped = try stream.peek() else { break }
            bytes.append(escaped)
            _ = try stream.next()
            continue
          }
          if byte == UInt8(ascii: "\"") { isString = false }
        } else {
          switch byte {
          case UInt8(ascii: "\""): isString = true
          case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
          case UInt8(ascii: "}"), UInt8(ascii: "]"):
            if depth == 0 { return bytes }
            depth -= 1
          case UInt8(ascii: ",") where depth == 0: return bytes
          default: break
          }
        }
        bytes.append(byte)
        _ = try stream.next()
        try RowLimit.check(bytes.count, path: path, line: start)
      }
      throw .invalidFile(
        path: path, line: start, expected: "the end of the element that begins here",
        found: "the end of the file")
    }

    private func skipSpace() throws(DataError) {
      while let byte = try stream.peek(), [0x20, 0x09, 0x0A, 0x0D].contains(byte) {
        _ = try stream.next()
      }
    }

    private func fault(_ expected: String) throws(DataError) -> DataError {
      let found = try stream.peek().map { "\"\(Character(Unicode.Scalar($0)))\"" }
      return .invalidFile(
        path: path, line: stream.line, expected: expected, found: found ?? "the end of the file")
    }
  }
}
