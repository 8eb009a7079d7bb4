import PEFTJSON

/// Fields that the configurations of many methods have, with lists sorted so that the same settings give the same bytes.
extension StorageContext {
  /// The version of PEFT whose fields are written.
  static let writtenVersion = "0.21.2"

  /// The fields of a method's selection, with targets spelled out, and how the file was made.
  ///
  /// Not every method can choose by layers.
  func fields(
    type: String, _ selection: ModuleSelection, hasLayers: Bool = true
  ) -> [JSON.Member] {
    let pattern = selection.layersPattern
    let layers: [JSON.Member] = [
      .init("layers_pattern", pattern.count == 1 ? .string(pattern[0]) : .names(pattern)),
      .init(
        "layers_to_transform",
        selection.layersToTransform.map { .array($0.map(JSON.integer)) } ?? .null),
    ]
    return (hasLayers ? layers : []) + [
      .init("auto_mapping", .null),
      .init("base_model_name_or_path", baseModel.map(JSON.string) ?? .null),
      .init("exclude_modules", selection.excluded.map(JSON.targets) ?? .null),
      .init("inference_mode", .bool(true)),
      .init("modules_to_save", .names(selection.modulesToSave)),
      .init("peft_type", .string(type)),
      .init("peft_version", .string(Self.writtenVersion)),
      .init("revision", .null),
      .init("target_modules", .targets(selection.targets)),
      .init("task_type", taskType.map(JSON.string) ?? .null),
    ]
  }
}

extension JSON {
  /// A whole number without a point.
  static func shortest(_ value: Double) -> JSON {
    Int(exactly: value).map(JSON.integer) ?? .number(value)
  }

  /// A list of names; null for none.
  static func names(_ names: [String]) -> JSON {
    names.isEmpty ? .null : .array(names.map(JSON.string))
  }

  /// Targets that are spelled out.
  static func targets(_ targets: Targets) -> JSON {
    switch targets {
    case .pattern(let pattern): .string(pattern)
    case .names(let names): .array(names.map(JSON.string))
    case .none: .null
    case .allLinear, .attention: preconditionFailure("\(targets) has to be spelled out first")
    }
  }
}
