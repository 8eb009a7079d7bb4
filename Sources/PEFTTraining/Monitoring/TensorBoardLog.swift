import Foundation
import PEFTCheckpoints

/// A log that TensorBoard reads: a file of events with one scalar a quantity.
///
/// Records are framed as TFRecord frames them, length and content each with a masked CRC-32C; events are the messages `Event` and
/// `Summary` of TensorFlow's `event.proto` and `summary.proto`, of which the numbers of the fields are taken.
public final class TensorBoardLog: LogSink {
  private let file: LogFile

  /// Opens a file of its own in a folder, next to those of earlier runs.
  ///
  /// - Parameters:
  ///   - folder: what `tensorboard --logdir` is given; is made where it does not exist.
  ///   - step: after which step a training goes on, so that TensorBoard drops what an earlier run wrote of later ones.
  /// - Throws: `CheckpointError` where it cannot be written.
  public init(_ folder: String, goingOnAfter step: Int? = nil) throws {
    try makeFolder(folder)
    let now = Date().timeIntervalSince1970
    let process = ProcessInfo.processInfo
    let name =
      "events.out.tfevents.\(Int(now)).\(process.hostName).\(process.processIdentifier)"
    var version = Protobuf()
    version.add(1, double: now)
    version.add(3, text: "brain.Event:2")
    var bytes = Self.record(version)
    if let step {
      var start = Protobuf()
      start.add(1, integer: 1)
      var event = Protobuf()
      event.add(1, double: now)
      event.add(2, integer: step + 1)
      event.add(7, message: start)
      bytes += Self.record(event)
    }
    file = try LogFile("\(folder)/\(name)", beginning: bytes)
  }

  /// Appends an event with the quantities of an entry, under `train/` for steps and the kind of the entry for others.
  public func write(_ entry: LogEntry) throws {
    // A point for each number of each module is no course.
    if entry.kind == "singular_values" { return }
    let skipped: Set = ["total", "seconds_left", "best", "labels"]
    let group = entry.kind == "step" ? "train" : entry.kind
    var summary = Protobuf()
    for number in entry.numbers where !skipped.contains(number.name) {
      var value = Protobuf()
      value.add(1, text: "\(group)/\(number.name)")
      value.add(2, float: Float(number.value))
      summary.add(1, message: value)
    }
    if summary.bytes.isEmpty { return }
    var event = Protobuf()
    event.add(1, double: entry.time)
    event.add(2, integer: entry.step)
    event.add(5, message: summary)
    try file.append(Self.record(event))
  }

  private static func record(_ message: Protobuf) -> [UInt8] {
    func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    let length = bytes(UInt64(message.bytes.count))
    return length + bytes(CRC32C.masked(length)) + message.bytes
      + bytes(CRC32C.masked(message.bytes))
  }
}

/// A message of Protocol Buffers as it is written: fields by number.
private struct Protobuf {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: Int, integer: Int) {
    add(varint: UInt64(field << 3))
    add(varint: UInt64(bitPattern: Int64(integer)))
  }

  mutating func add(_ field: Int, double: Double) {
    add(varint: UInt64(field << 3 | 1))
    withUnsafeBytes(of: double.bitPattern.littleEndian) { bytes += $0 }
  }

  mutating func add(_ field: Int, float: Float) {
    add(varint: UInt64(field << 3 | 5))
    withUnsafeBytes(of: float.bitPattern.littleEndian) { bytes += $0 }
  }

  mutating func add(_ field: Int, text: String) { add(field, content: Array(text.utf8)) }

  mutating func add(_ field: Int, message: Protobuf) { add(field, content: message.bytes) }

  private mutating func add(_ field: Int, content: [UInt8]) {
    add(varint: UInt64(field << 3 | 2))
    add(varint: UInt64(content.count))
    bytes += content
  }

  private mutating func add(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// The checksum of TFRecord: CRC-32 with Castagnoli's polynomial, reflected, turned and shifted.
private enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in
      value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1
    }
  }

  static func masked(_ bytes: [UInt8]) -> UInt32 {
    let sum = ~bytes.reduce(~UInt32(0)) { sum, byte in
      sum >> 8 ^ table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)]
    }
    return (sum >> 15 | sum << 17) &+ 0xa282_ead8
  }
}
