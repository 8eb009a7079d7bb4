/// Tells a damaged file from the one that was written.
///
/// FNV-1a over words of 64 bits: finds every change of one word, and others but for one chance in 2^64. It is no defence against
/// somebody who wants to deceive.
public struct FileChecksum: Sendable, Hashable, CustomStringConvertible {
  /// The size of the file in bytes.
  public let byteCount: Int
  /// The sum over its bytes.
  public let value: UInt64

  /// Reads a file.
  ///
  /// - Parameter path: of a regular file.
  /// - Throws: `CheckpointError.fileUnreadable`.
  /// - Complexity: linear in the size, at about the speed of memory.
  public init(path: String) throws(CheckpointError) {
    let file = try FileMapping(path: path)
    byteCount = file.byteCount
    value = Self.sum(file.raw(0..<file.byteCount))
  }

  /// 16 hexadecimal digits.
  public var description: String { WordHash.text(value) }

  private static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash = WordHash()
    let words = bytes.count / 8
    for word in 0..<words {
      hash.add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self)))
    }
    for byte in bytes[(words * 8)...] { hash.add(UInt64(byte)) }
    return hash.value
  }
}
