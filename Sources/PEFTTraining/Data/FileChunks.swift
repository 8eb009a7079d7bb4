import Foundation

/// The bytes of a file, some at a time.
final class FileChunks {
  private static let chunkSize = 1 << 16
  let path: String
  private let file: FileHandle

  init(path: String) throws(DataError) {
    self.path = path
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      throw .unreadable(path: path, reason: "it is a folder, and a file is expected")
    }
    do {
      file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    } catch {
      throw .unreadable(path: path, reason: Self.reason(error))
    }
  }

  deinit { try? file.close() }

  /// The next bytes; none after the last.
  func next() throws(DataError) -> Data {
    do {
      return try file.read(upToCount: Self.chunkSize) ?? Data()
    } catch {
      throw .unreadable(path: path, reason: Self.reason(error))
    }
  }

  /// How many bytes the file has.
  func size() throws(DataError) -> Int {
    do {
      return Int(try file.seekToEnd())
    } catch {
      throw .unreadable(path: path, reason: Self.reason(error))
    }
  }

  /// The bytes from a place on, as many as asked for.
  func bytes(at offset: Int, count: Int) throws(DataError) -> [UInt8] {
    do {
      try file.seek(toOffset: UInt64(offset))
      let data = try file.read(upToCount: count) ?? Data()
      if data.count == count { return Array(data) }
    } catch {
      throw .unreadable(path: path, reason: Self.reason(error))
    }
    throw .unreadable(path: path, reason: "it ends before byte \(offset + count)")
  }

  /// The text of the system error beneath Foundation's, which says more, where there is one.
  private static func reason(_ error: any Error) -> String {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    return underlying?.localizedFailureReason ?? error.localizedDescription
  }
}

/// The bytes of a file, one by one, without a byte order mark.
struct ByteStream {
  private let chunks: FileChunks
  private var buffer: [UInt8] = []
  private var position = 0
  /// The number of the line that the next byte stands on, from 1.
  private(set) var line = 1

  init(path: String) throws(DataError) {
    chunks = try FileChunks(path: path)
    buffer = Array(try chunks.next())
    if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  /// The next byte, which stays; nil at the end.
  mutating func peek() throws(DataError) -> UInt8? {
    if position == buffer.count {
      buffer = Array(try chunks.next())
      position = 0
      if buffer.isEmpty { return nil }
    }
    return buffer[position]
  }

  /// The next byte; nil at the end.
  mutating func next() throws(DataError) -> UInt8? {
    guard let byte = try peek() else { return nil }
    position += 1
    if byte == UInt8(ascii: "\n") { line += 1 }
    return byte
  }
}
