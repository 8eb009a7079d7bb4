internal import PEFTJSON

extension SafetensorsFile {
  /// The bytes before the data of `items`, which are in the order of the file.
  static func header(
    _ items: [Item], _ metadata: [(name: String, value: String)], _ path: String
  ) throws(CheckpointError) -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.map { "\(JSON.quoted($0.name)):\(JSON.quoted($0.value))" }
      members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var names: Set<ExactName> = []
    var offset = 0
    for item in items {
      if !names.insert(ExactName(item.name)).inserted {
        throw .duplicateTensor(path: path, tensor: item.name)
      }
      if item.name == "__metadata__" {
        throw .invalidField(
          path: path, field: item.name, expected: "another name", found: "a tensor")
      }
      let shape = item.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(JSON.quoted(item.name)):{\"dtype\":\"\(item.dtype.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(offset + item.byteCount)]}")
      offset += item.byteCount
    }
    if Set(metadata.map { ExactName($0.name) }).count != metadata.count {
      throw .invalidField(
        path: path, field: "__metadata__", expected: "names that differ", found: "a name twice")
    }
    var bytes = Array("{\(members.joined(separator: ","))}".utf8)
    while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }
    if bytes.count > SafetensorsHeader.maximumByteCount {
      throw .invalidField(
        path: path, field: "header",
        expected: "at most \(SafetensorsHeader.maximumByteCount) bytes",
        found: "\(bytes.count) bytes")
    }
    let length = UInt64(bytes.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + bytes
  }
}
