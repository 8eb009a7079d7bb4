extension Vocabulary {
  /// Reads a vocab.txt: a token in each line, numbered from 0.
  init(linesOf path: String) throws(TokenizerError) {
    let bytes = try FileBytes.read(path)
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw .invalid(path: path, field: "the file", expected: "UTF-8", found: "other bytes")
    }
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    while lines.last?.allSatisfy({ $0 == UInt8(ascii: "\r") }) == true { lines.removeLast() }
    guard lines.count <= Int32.max else {
      throw .invalid(
        path: path, field: "the file", expected: "tokens", found: "\(lines.count) lines")
    }
    self.init(capacity: lines.count)
    for (number, line) in lines.enumerated() {
      let token = Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
      if id(of: token) != nil {
        throw .invalid(
          path: path, field: "line \(number + 1)", expected: "a token that no other line has",
          found: "\"\(String(decoding: token, as: UTF8.self))\"")
      }
      insert(token, id: Int32(number))
    }
  }
}
