/// The lines of a file, read as they are asked for, without a byte order mark.
final class LineReader {
  /// The number of the line that was read last, from 1.
  private(set) var line = 0
  let path: String
  private let chunks: FileChunks
  private var buffer: [UInt8] = []
  private var position = 0
  private var isAtEnd = false

  init(path: String) throws(DataError) {
    self.path = path
    chunks = try FileChunks(path: path)
  }

  /// The bytes of the next line without its line feed; nil after the last.
  func next() throws(DataError) -> ArraySlice<UInt8>? {
    guard var bytes = try nextBytes() else { return nil }
    line += 1
    if line == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    return bytes
  }

  private func nextBytes() throws(DataError) -> ArraySlice<UInt8>? {
    var searched = position
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { position = end + 1 }
        return buffer[position..<end]
      }
      if isAtEnd {
        defer { position = buffer.count }
        return position < buffer.count ? buffer[position...] : nil
      }
      try RowLimit.check(buffer.count - position, path: path, line: line + 1)
      buffer.removeFirst(position)
      searched = buffer.count
      position = 0
      let chunk = try chunks.next()
      isAtEnd = chunk.isEmpty
      buffer += chunk
    }
  }

  /// Whether there is nothing but white space in a line.
  static func isBlank(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
  }
}
