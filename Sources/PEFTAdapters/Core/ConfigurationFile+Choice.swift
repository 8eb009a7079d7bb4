import PEFTCheckpoints

extension ConfigurationFile {
  /// One of a few words.
  func choice<Value: RawRepresentable & CaseIterable>(
    _ field: String, default value: Value
  ) throws(CheckpointError) -> Value where Value.RawValue == String {
    let word = try string(field, default: value.rawValue)
    guard let value = Value(rawValue: word) else {
      throw .invalidField(
        path: path, field: field,
        expected: Value.allCases.map(\.rawValue).joined(separator: " or "), found: word)
    }
    return value
  }
}
