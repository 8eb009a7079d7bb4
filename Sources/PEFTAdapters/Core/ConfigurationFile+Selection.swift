import PEFTCheckpoints
import PEFTJSON

/// Fields that the configurations of many methods have.
extension ConfigurationFile {
  /// Reads which modules are adapted: `target_modules`, `exclude_modules`, `layers_to_transform`, `layers_pattern`, `modules_to_save`, and how the
  /// file was made.
  func selection() throws(CheckpointError) -> ModuleSelection {
    var selection = ModuleSelection(try targets("target_modules") ?? .attention)
    if case .pattern(let pattern) = selection.targets, pattern.lowercased() == "all-linear" {
      selection.targets = .allLinear
    }
    selection.excluded = try targets("exclude_modules")
    selection.layersToTransform = try integers("layers_to_transform")
    selection.layersPattern = try strings("layers_pattern")
    selection.modulesToSave = try strings("modules_to_save")
    // How the file was made; the layout of a weight is known from the model.
    ignore([
      "auto_mapping", "base_model_name_or_path", "revision", "task_type", "inference_mode",
      "peft_type", "peft_version", "fan_in_fan_out",
    ])
    return selection
  }

  /// Refuses fields that would change what the adapter does and are not read.
  ///
  /// - Parameter fields: with the values that mean nothing.
  /// - Throws: `CheckpointError.unsupportedField` for one with another value.
  func refuse(_ fields: [(field: String, neutral: JSON)]) throws(CheckpointError) {
    for (field, neutral) in fields {
      let value = value(field) ?? .null
      if !value.isNull, value != neutral {
        throw .unsupportedField(
          path: path, field: field, value: value.text(.compact),
          hint: "only \(neutral.text(.compact)) is supported")
      }
    }
  }

  /// A number above 0.
  func positiveInteger(_ field: String, default value: Int) throws(CheckpointError) -> Int {
    let number = try integer(field, default: value)
    guard number > 0 else {
      throw .invalidField(
        path: path, field: field, expected: "a positive number", found: "\(number)")
    }
    return number
  }

  /// A list of strings, one string, or nothing.
  func strings(_ field: String) throws(CheckpointError) -> [String] {
    let value = value(field) ?? .null
    if value.isNull { return [] }
    let strings = value.string.map { [$0] } ?? value.elements?.compactMap(\.string)
    guard let strings, strings.count == value.elements?.count ?? 1 else {
      throw .invalidField(
        path: path, field: field, expected: "a string or a list of strings",
        found: value.kind)
    }
    return strings
  }

  /// A list of integers, one integer, or nothing.
  func integers(_ field: String) throws(CheckpointError) -> [Int]? {
    let value = value(field) ?? .null
    if value.isNull { return nil }
    let numbers = value.integer.map { [$0] } ?? value.elements?.compactMap(\.integer)
    guard let numbers, numbers.count == value.elements?.count ?? 1 else {
      throw .invalidField(
        path: path, field: field, expected: "an integer or a list of integers",
        found: value.kind)
    }
    return numbers
  }

  /// An object of values by pattern.
  func patterns<Value: Sendable & Hashable>(
    _ field: String, _ read: (JSON) -> Value?
  ) throws(CheckpointError) -> [PatternValue<Value>] {
    let value = value(field) ?? .null
    if value.isNull { return [] }
    let entries = value.members?.compactMap { member in
      read(member.value).map { PatternValue(member.name, $0) }
    }
    guard let entries, entries.count == value.members?.count else {
      throw .invalidField(
        path: path, field: field, expected: "an object of numbers", found: value.kind)
    }
    return entries
  }

  /// One pattern, a list of names, or nothing.
  func targets(_ field: String) throws(CheckpointError) -> Targets? {
    switch value(field) ?? .null {
    case .null: return nil
    case .string(let pattern): return .pattern(pattern)
    default: return .names(try strings(field))
    }
  }
}
