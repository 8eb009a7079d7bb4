import PEFTJSON

/// One row of a data file, as values with names.
public struct DataRecord: Sendable, Hashable {
  /// A name and its value.
  public struct Field: Sendable, Hashable {
    /// What it is called.
    public var name: String
    /// What it holds.
    public var value: DataValue

    /// Joins a name and a value.
    public init(_ name: String, _ value: DataValue) { (self.name, self.value) = (name, value) }
  }

  /// The line it begins on, from 1.
  public var line: Int
  /// The values, in the order of the file.
  public var fields: [Field]

  /// A record from its parts.
  public init(line: Int, fields: [Field]) { (self.line, self.fields) = (line, fields) }

  /// The value of a name; nil where there is none.
  public subscript(name: String) -> DataValue? {
    fields.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
  }
}

/// A value in a row of data.
public indirect enum DataValue: Sendable, Hashable {
  /// Nothing.
  case null
  /// Yes or no.
  case boolean(Bool)
  /// A whole number.
  case integer(Int)
  /// Another number.
  case number(Double)
  /// A text.
  case text(String)
  /// Values one after another.
  case list([DataValue])
  /// Values with names.
  case object([DataRecord.Field])

  init(_ json: JSON) {
    switch json {
    case .null: self = .null
    case .bool(let value): self = .boolean(value)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = .number(value)
    case .string(let value): self = .text(value)
    case .array(let values): self = .list(values.map(DataValue.init))
    case .object(let members):
      self = .object(members.map { DataRecord.Field($0.name, DataValue($0.value)) })
    }
  }

  /// What it is, for messages.
  var kind: String {
    switch self {
    case .null: "null"
    case .boolean: "a boolean"
    case .integer: "an integer"
    case .number: "a number"
    case .text: "a string"
    case .list: "an array"
    case .object: "an object"
    }
  }

  /// The text of a label: a string, a whole number, or yes or no; nil for anything else.
  var label: String? {
    switch self {
    case .text(let text): text
    case .integer(let number): "\(number)"
    case .boolean(let value): "\(value)"
    default: nil
    }
  }
}
