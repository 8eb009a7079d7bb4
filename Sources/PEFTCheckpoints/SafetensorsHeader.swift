internal import PEFTJSON

/// The checked header of a safetensors file.
///
/// The header is untrusted: when one of these exists, every range lies inside the file, the ranges
/// follow each other without overlap or hole up to the last byte, and every shape agrees with its
/// range, so that no later arithmetic can overflow.
///
/// Two things that the reference implementation lets pass are refused, because part of what the file
/// says would be lost: names that occur twice, and descriptions written as arrays.
struct SafetensorsHeader: Sendable {
  /// The largest header the format allows, in bytes.
  static let maximumByteCount = 100_000_000

  /// The most commas in a header that is read, enough for half a million tensors.
  ///
  /// A value takes many times its two bytes of text in memory, so that without this limit a header of
  /// nothing but values would cost gigabytes.
  static let maximumCommaCount = 4_000_000

  var metadata: [(name: String, value: String)] = []
  /// In the order of their data.
  var entries: [SafetensorsFile.Entry] = []

  init(_ file: FileMapping) throws(CheckpointError) {
    func fault(_ reason: String) -> CheckpointError {
      .invalidHeader(path: file.path, reason: reason)
    }
    if file.byteCount < 8 { throw fault("it has \(file.byteCount) bytes, fewer than 8") }
    try Self.refusePickle(file)
    let length = file.integers(0..<8, as: UInt64.self)[0]
    if length > UInt64(Self.maximumByteCount) {
      throw fault("its header of \(length) bytes is longer than \(Self.maximumByteCount)")
    }
    let start = 8 + Int(length)
    if start > file.byteCount {
      throw fault("its header of \(length) bytes is longer than the file, \(file.byteCount) bytes")
    }
    let text = file.bytes(8..<start)
    if text.count > Self.maximumCommaCount,
      text.count(where: { $0 == UInt8(ascii: ",") }) > Self.maximumCommaCount
    {
      throw fault("its header holds more than \(Self.maximumCommaCount) values")
    }
    let json: JSON
    do {
      json = try JSON(parsing: text, maximumDepth: 8)
    } catch {
      throw fault("its header is no valid JSON: \(error)")
    }
    guard let members = json.members else {
      throw fault("its header is \(json.kind), expected an object")
    }
    do {
      for member in members {
        if member.name == "__metadata__" {
          metadata = try Self.metadata(member.value)
        } else {
          entries.append(try Self.entry(member, start: start))
        }
      }
      try order(from: start, to: file.byteCount)
    } catch {
      throw fault(error.reason)
    }
  }

  private struct Fault: Error {
    let reason: String
  }

  /// The length of a header can look like the first bytes of a pickle; no pickle goes on like such a length and a brace.
  private static func refusePickle(_ file: FileMapping) throws(CheckpointError) {
    let head = file.bytes(0..<min(9, file.byteCount))
    if head.count == 9, head[4..<8].allSatisfy({ $0 == 0 }), head[8] == UInt8(ascii: "{") { return }
    if head.prefix(4) == [0x50, 0x4B, 0x03, 0x04] || head[0] == 0x80 && (2...5).contains(head[1]) {
      throw .unsupportedFile(
        path: file.path,
        hint: "it looks like a PyTorch pickle, which can run code; convert it to safetensors")
    }
  }

  private static func metadata(
    _ value: JSON
  ) throws(Fault) -> [(name: String, value: String)] {
    if value.isNull { return [] }
    guard let members = value.members else {
      throw Fault(reason: "__metadata__ is \(value.kind), expected an object")
    }
    var result: [(name: String, value: String)] = []
    for member in members {
      guard let text = member.value.string else {
        throw Fault(
          reason: "__metadata__.\(member.name) is \(member.value.kind), expected a string")
      }
      result.append((member.name, text))
    }
    return result
  }

  private static func entry(
    _ member: JSON.Member, start: Int
  ) throws(Fault) -> SafetensorsFile.Entry {
    let name = member.name
    func fault(_ reason: String) -> Fault { Fault(reason: "tensor \"\(name)\": \(reason)") }
    guard case .object = member.value else {
      throw fault("is \(member.value.kind), expected an object")
    }
    guard let type = member.value["dtype"]?.string else {
      throw fault("dtype is missing or no string")
    }
    guard let dtype = DType(rawValue: type) else {
      throw fault("dtype \"\(type)\" does not exist")
    }
    let shape = try wholeNumbers(member.value["shape"]) { fault("shape \($0)") }
    let offsets = try wholeNumbers(member.value["data_offsets"]) { fault("data_offsets \($0)") }
    guard offsets.count == 2 else {
      throw fault("data_offsets has \(offsets.count) numbers, expected 2")
    }
    guard offsets[0] <= offsets[1] else { throw fault("data_offsets \(offsets) are reversed") }
    let (end, overflow) = offsets[1].addingReportingOverflow(start)
    if overflow { throw fault("data_offsets \(offsets) overflow") }

    // Axes of size 0 are left out of the check for overflow, so that any product of any of the
    // sizes is safe whatever its order.
    var bits = dtype.bitCount
    for size in shape where size > 0 {
      let (product, overflow) = bits.multipliedReportingOverflow(by: size)
      if overflow { throw fault("shape \(shape) overflows") }
      bits = product
    }
    if shape.contains(0) { bits = 0 }
    if bits % 8 != 0 { throw fault("\(bits) bits are no whole number of bytes") }
    if offsets[1] - offsets[0] != bits / 8 {
      throw fault(
        "shape \(shape) of \(type) takes \(bits / 8) bytes, data_offsets give "
          + "\(offsets[1] - offsets[0])")
    }
    return SafetensorsFile.Entry(
      name: name, dtype: dtype, shape: shape, byteRange: start + offsets[0]..<end)
  }

  private static func wholeNumbers(
    _ value: JSON?, _ fault: (String) -> Fault
  ) throws(Fault) -> [Int] {
    guard let elements = value?.elements else { throw fault("is missing or no array") }
    var result: [Int] = []
    result.reserveCapacity(elements.count)
    for element in elements {
      guard case .integer(let number) = element, number >= 0 else {
        throw fault("holds something else than whole numbers up to \(Int.max)")
      }
      result.append(number)
    }
    return result
  }

  /// Puts the entries in the order of their data, which must fill the file exactly.
  private mutating func order(from start: Int, to end: Int) throws(Fault) {
    entries.sort {
      ($0.byteRange.lowerBound, $0.byteRange.upperBound)
        < ($1.byteRange.lowerBound, $1.byteRange.upperBound)
    }
    var position = start
    for entry in entries {
      if entry.byteRange.lowerBound < position {
        throw Fault(reason: "the data of tensor \"\(entry.name)\" overlaps the tensor before it")
      }
      if entry.byteRange.lowerBound > position {
        throw Fault(reason: "unused bytes lie before the data of tensor \"\(entry.name)\"")
      }
      position = entry.byteRange.upperBound
    }
    if position > end {
      throw Fault(
        reason: "it is cut short: the tensors take \(position) bytes, the file has \(end)")
    }
    if position < end {
      throw Fault(reason: "\(end - position) unused bytes follow the last tensor")
    }
  }
}
