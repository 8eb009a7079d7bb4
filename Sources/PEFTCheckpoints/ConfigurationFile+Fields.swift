internal import PEFTJSON

// Each kind of field comes twice: with an optional result, and with a value that is used where the
// field is absent or, without such a value, an error.
extension ConfigurationFile {
  /// A whole number, or nil; `8.0` is 8.
  ///
  /// - Throws: `invalidField` for another type.
  package func optionalInteger(_ name: String) throws(CheckpointError) -> Int? {
    try field(name, "an integer") { $0.integer }
  }

  /// A whole number; `8.0` is 8.
  ///
  /// - Throws: `invalidField` for another type, `missingField` where it is absent without a default.
  package func integer(
    _ name: String, default fallback: Int? = nil
  ) throws(CheckpointError) -> Int {
    try require(name, optionalInteger(name) ?? fallback)
  }

  /// A number, or nil.
  ///
  /// - Throws: `invalidField` for another type.
  package func optionalNumber(_ name: String) throws(CheckpointError) -> Double? {
    try field(name, "a number") { $0.number }
  }

  /// A number.
  ///
  /// - Throws: `invalidField` for another type, `missingField` where it is absent without a default.
  package func number(
    _ name: String, default fallback: Double? = nil
  ) throws(CheckpointError) -> Double {
    try require(name, optionalNumber(name) ?? fallback)
  }

  /// A boolean, or nil.
  ///
  /// - Throws: `invalidField` for another type.
  package func optionalBool(_ name: String) throws(CheckpointError) -> Bool? {
    try field(name, "a boolean") { $0.bool }
  }

  /// A boolean.
  ///
  /// - Throws: `invalidField` for another type, `missingField` where it is absent without a default.
  package func bool(
    _ name: String, default fallback: Bool? = nil
  ) throws(CheckpointError) -> Bool {
    try require(name, optionalBool(name) ?? fallback)
  }

  /// A string, or nil.
  ///
  /// - Throws: `invalidField` for another type.
  package func optionalString(_ name: String) throws(CheckpointError) -> String? {
    try field(name, "a string") { $0.string }
  }

  /// A string.
  ///
  /// - Throws: `invalidField` for another type, `missingField` where it is absent without a default.
  package func string(
    _ name: String, default fallback: String? = nil
  ) throws(CheckpointError) -> String {
    try require(name, optionalString(name) ?? fallback)
  }

  /// An array of strings, or nil.
  ///
  /// - Throws: `invalidField` for another type.
  package func optionalStringArray(_ name: String) throws(CheckpointError) -> [String]? {
    try array(name, "an array of strings") { $0.string }
  }

  /// An array of whole numbers, or nil.
  ///
  /// - Throws: `invalidField` for another type.
  package func optionalIntegerArray(_ name: String) throws(CheckpointError) -> [Int]? {
    try array(name, "an array of integers") { $0.integer }
  }

  private func require<Value>(
    _ name: String, _ value: Value?
  ) throws(CheckpointError) -> Value {
    if let value { return value }
    throw missing(name)
  }

  private func field<Value>(
    _ name: String, _ expected: String, _ convert: (JSON) -> Value?
  ) throws(CheckpointError) -> Value? {
    guard let json = value(name) else { return nil }
    if let value = convert(json) { return value }
    throw invalid(name, expected: expected, found: Self.shown(json))
  }

  private func array<Element>(
    _ name: String, _ expected: String, _ convert: (JSON) -> Element?
  ) throws(CheckpointError) -> [Element]? {
    guard let json = value(name) else { return nil }
    guard let elements = json.elements else {
      throw invalid(name, expected: expected, found: Self.shown(json))
    }
    var result: [Element] = []
    for (index, element) in elements.enumerated() {
      guard let value = convert(element) else {
        throw invalid(
          name, expected: expected, found: "an array with \(Self.shown(element)) at \(index)")
      }
      result.append(value)
    }
    return result
  }

  /// A value for a message: itself where it is short, else its kind.
  private static func shown(_ json: JSON) -> String {
    switch json {
    case .array, .object: json.kind
    case .string(let text) where text.utf8.count > 60: json.kind
    default: json.text(.compact)
    }
  }
}
