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
  public var description: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var sum: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ word: UInt64) {
      sum = (sum ^ word) &* 0x100_0000_01b3
      // The product moves bits only upwards.
      sum ^= sum >> 29
    }
    let words = bytes.count / 8
    for word in 0..<words {
      add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self)))
    }
    for byte in bytes[(words * 8)...] { add(UInt64(byte)) }
    return sum
  }
}
