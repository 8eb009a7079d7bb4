import Foundation

/// The lines of a file, read as they are asked for.
final class LineReader {
  private static let chunkSize = 1 << 16
  private let path: String
  private let file: FileHandle
  private var buffer: [UInt8] = []
  private var position = 0
  private var isAtEnd = false

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

  /// The bytes of the next line without its line feed; nil after the last.
  func next() throws(DataError) -> ArraySlice<UInt8>? {
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
      buffer.removeFirst(position)
      searched = buffer.count
      position = 0
      let chunk = try read()
      isAtEnd = chunk.isEmpty
      buffer += chunk
    }
  }

  private func read() throws(DataError) -> Data {
    do {
      return try file.read(upToCount: Self.chunkSize) ?? Data()
    } catch {
      throw .unreadable(path: path, reason: Self.reason(error))
    }
  }

  /// The text of the system error beneath Foundation's, which says more, where there is one.
  private static func reason(_ error: any Error) -> String {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    return underlying?.localizedFailureReason ?? error.localizedDescription
  }
}
