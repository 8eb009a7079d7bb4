/// A JSON value that keeps what Foundation's readers lose: the order of members, duplicate names,
/// the difference between an integer and a real number, and the exact bytes of strings.
///
/// Names are compared by their UTF-8 bytes, never by canonical equivalence: a vocabulary may hold
/// both the composed and the decomposed form of a letter.
package enum JSON: Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number without fraction or exponent that fits 64 bits.
  case integer(Int)
  /// Any other number.
  case number(Double)
  /// A string.
  case string(String)
  /// An array.
  case array([JSON])
  /// An object, its members in the order of the text.
  case object([Member])

  /// One name and its value.
  package struct Member: Sendable {
    /// The name.
    package var name: String
    /// The value.
    package var value: JSON

    /// Joins a name and a value.
    package init(_ name: String, _ value: JSON) {
      self.name = name
      self.value = value
    }
  }

  /// The value of the member called `name`, or nil where there is none or this is no object.
  ///
  /// - Complexity: linear in the number of members.
  package subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
  }

  /// The members of an object, or nil.
  package var members: [Member]? {
    if case .object(let members) = self { members } else { nil }
  }

  /// The elements of an array, or nil.
  package var elements: [JSON]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// The text of a string, or nil.
  package var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The value of an integer, or nil.
  ///
  /// A real number with no fraction counts: `8.0` is 8.
  package var integer: Int? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  /// The value of any number, or nil.
  package var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The value of a boolean, or nil.
  package var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// Whether this is `null`.
  package var isNull: Bool {
    if case .null = self { true } else { false }
  }

  /// What kind of value this is, for error messages.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

extension JSON: Equatable {
  package static func == (left: JSON, right: JSON) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)):
      a.elementsEqual(b) { $0.name.utf8.elementsEqual($1.name.utf8) && $0.value == $1.value }
    case (.integer, _), (.number, _): left.number != nil && left.number == right.number
    default: false
    }
  }
}
