/// What a record of a data file is read as.
public protocol DataRow: Sendable {
  /// Reads a record.
  ///
  /// - Parameter fields: its values, under the names that the file or the caller gives them.
  /// - Throws: `RowFault` where it is no such row.
  init(_ fields: RowFields) throws(RowFault)
}

/// The values of a record, with other names for columns where the caller gives some.
public struct RowFields: Sendable {
  /// The record.
  public let record: DataRecord
  private let names: [String: String]

  /// The values of a record.
  ///
  /// - Parameters:
  ///   - record: a row of a file.
  ///   - names: what the file calls the columns that are read here under other names: `["prompt": "question"]`.
  public init(_ record: DataRecord, names: [String: String] = [:]) {
    (self.record, self.names) = (record, names)
  }

  /// The value of a column; nil where it is missing.
  public subscript(name: String) -> DataValue? { record[names[name] ?? name] }

  /// Whether every one of these columns is there.
  public func has(_ columns: String...) -> Bool { columns.allSatisfy { self[$0] != nil } }

  /// The text of a column.
  ///
  /// - Throws: `RowFault` where there is none.
  public func text(_ name: String) throws(RowFault) -> String {
    let own = names[name] ?? name
    guard let value = self[name] else {
      throw RowFault(expected: "a string as \"\(own)\"", found: "nothing of that name")
    }
    guard case .text(let text) = value else {
      throw RowFault(expected: "a string as \"\(own)\"", found: value.kind)
    }
    return text
  }

  /// A fault that says which columns there are.
  public func fault(_ expected: String) -> RowFault {
    let found = record.fields.map { "\"\($0.name)\"" }.joined(separator: ", ")
    let missing = names.filter { record[$0.value] == nil }.map { "\"\($0.value)\"" }.sorted()
    let note = missing.isEmpty ? "" : "; none is called \(missing.joined(separator: ", "))"
    return RowFault(
      expected: expected, found: (found.isEmpty ? "no members" : "members \(found)") + note)
  }
}
