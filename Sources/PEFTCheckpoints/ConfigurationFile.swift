package import PEFTJSON

/// A JSON object in a file, read field by field.
///
/// Errors name the file and the field. What has been read is remembered, so that a reader can tell in
/// the end which fields it would have ignored. `null` counts as absent everywhere.
package final class ConfigurationFile {
  /// The path of the file.
  package let path: String
  /// The fields, in the order of the file.
  package let members: [JSON.Member]
  /// The name of this object within the file with a point at its end; empty for the file itself.
  private let prefix: String
  private let positions: [ExactName: Int]
  private var read: Set<Int> = []
  /// The fields that were asked for, whether they are there or not.
  package private(set) var askedNames: [String] = []
  private var children: [Int: ConfigurationFile] = [:]

  /// The most bytes a configuration may have.
  private static let maximumByteCount = 100_000_000

  /// Reads a file.
  ///
  /// - Throws: `fileUnreadable`, `invalidJSON`, or `invalidField` where it holds no object.
  package convenience init(path: String) throws(CheckpointError) {
    try self.init(path: path, json: Self.read(path), prefix: "")
  }

  /// Takes an object that was read already.
  package convenience init(path: String, json: JSON) throws(CheckpointError) {
    try self.init(path: path, json: json, prefix: "")
  }

  private init(path: String, json: JSON, prefix: String) throws(CheckpointError) {
    guard let members = json.members else {
      throw .invalidField(
        path: path, field: prefix.isEmpty ? "(the whole file)" : String(prefix.dropLast()),
        expected: "an object", found: json.kind)
    }
    self.path = path
    self.members = members
    self.prefix = prefix
    positions = Dictionary(
      members.enumerated().map { (ExactName($1.name), $0) }, uniquingKeysWith: { first, _ in first }
    )
  }

  /// The JSON value in a file.
  ///
  /// - Throws: `fileUnreadable` or `invalidJSON`.
  package static func read(_ path: String) throws(CheckpointError) -> JSON {
    let mapping = try FileMapping(path: path, limit: maximumByteCount)
    do {
      return try JSON(parsing: mapping.bytes(0..<mapping.byteCount))
    } catch {
      throw .invalidJSON(path: path, reason: "\(error)")
    }
  }

  /// The value of a field, or nil where it is absent or `null`; it counts as read from now on.
  package func value(_ name: String) -> JSON? {
    ask(name)
    guard let position = positions[ExactName(name)] else { return nil }
    read.insert(position)
    let value = members[position].value
    return value.isNull ? nil : value
  }

  /// Whether a field is there and not `null`; this does not count as reading it.
  package func has(_ name: String) -> Bool {
    ask(name)
    return positions[ExactName(name)].map { !members[$0].value.isNull } ?? false
  }

  private func ask(_ name: String) {
    if !askedNames.contains(where: { ExactName($0) == ExactName(name) }) { askedNames.append(name) }
  }

  /// The object in a field, or nil; the same one every time, so that what is read of it is remembered.
  ///
  /// - Throws: `invalidField` where the field is no object.
  package func object(_ name: String) throws(CheckpointError) -> ConfigurationFile? {
    guard let value = value(name), let position = positions[ExactName(name)] else { return nil }
    if let child = children[position] { return child }
    let child = try ConfigurationFile(path: path, json: value, prefix: "\(prefix)\(name).")
    children[position] = child
    return child
  }

  /// Counts fields as read that have no meaning for the reader, where they are there.
  package func ignore(_ names: [String]) {
    for name in names { _ = value(name) }
  }

  /// The fields that nobody has read or ignored, those of objects as `object.field`.
  package var unreadFields: [String] {
    members.indices.flatMap { position -> [String] in
      if let child = children[position] { return child.unreadFields }
      return read.contains(position) ? [] : [prefix + members[position].name]
    }
  }

  /// Refuses a file with fields that nobody has read or ignored.
  ///
  /// - Throws: `unreadFields`.
  package func requireAllRead() throws(CheckpointError) {
    let fields = unreadFields
    if !fields.isEmpty { throw .unreadFields(path: path, fields: fields) }
  }

  /// The error for a field whose value is of the right type and yet wrong.
  package func invalid(_ name: String, expected: String, found: String) -> CheckpointError {
    .invalidField(path: path, field: prefix + name, expected: expected, found: found)
  }

  /// The error for a field that asks for something this package does not do.
  package func unsupported(_ name: String, hint: String) -> CheckpointError {
    .unsupportedField(
      path: path, field: prefix + name, value: value(name)?.text(.compact) ?? "null", hint: hint)
  }

  /// The error for a field that has to be there.
  package func missing(_ name: String) -> CheckpointError {
    .missingField(path: path, field: prefix + name)
  }
}
