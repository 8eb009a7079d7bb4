package import PEFTCheckpoints
internal import PEFTJSON

/// `adapter_config.json` of Hugging Face PEFT, read.
extension LoRA {
  /// Fields that only matter to other methods or to training in Python; null or their default elsewhere.
  static let unsupported: [(field: String, neutral: JSON)] = [
    ("alora_invocation_tokens", .null), ("arrow_config", .null), ("corda_config", .null),
    ("eva_config", .null), ("kasa_config", .null), ("layer_replication", .null),
    ("loftq_config", .object([])), ("lora_ga_config", .null), ("megatron_config", .null),
    ("monteclora_config", .null), ("target_parameters", .null),
    ("trainable_token_indices", .null), ("use_bdlora", .null), ("use_dora", .bool(false)),
    ("use_qalora", .bool(false)), ("velora_config", .null),
  ]

  /// The settings in an `adapter_config.json`; fields that are not read are for the caller to judge.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    let type = try file.string("peft_type")
    guard type == "LORA" else {
      throw .unsupportedField(
        path: file.path, field: "peft_type", value: type, hint: "only LORA can be loaded")
    }
    self.init(
      rank: try file.positiveInteger("r", default: 8),
      alpha: try file.number("lora_alpha", default: 8),
      dropout: Float(try file.number("lora_dropout", default: 0)))
    targets = try Self.targets(file, "target_modules") ?? .attention
    if case .pattern(let pattern) = targets, pattern.lowercased() == "all-linear" {
      targets = .allLinear
    }
    excluded = try Self.targets(file, "exclude_modules")
    layersToTransform = try Self.integers(file, "layers_to_transform")
    layersPattern = try Self.strings(file, "layers_pattern")
    rankPattern = try Self.patterns(file, "rank_pattern") { $0.integer }
    alphaPattern = try Self.patterns(file, "alpha_pattern") { $0.number }
    isRankStabilized = try file.bool("use_rslora", default: false)
    let bias = try file.string("bias", default: "none")
    guard let bias = BiasTraining(rawValue: bias) else {
      throw .invalidField(
        path: file.path, field: "bias", expected: "none, all or lora_only", found: bias)
    }
    self.bias = bias
    hasBias = try file.bool("lora_bias", default: false)
    modulesToSave = try Self.strings(file, "modules_to_save")
    ensuresWeightTying = try file.bool("ensure_weight_tying", default: false)
    initialization = try Self.initialization(file)
    for (field, neutral) in Self.unsupported {
      let value = file.value(field) ?? .null
      if !value.isNull, value != neutral {
        throw .unsupportedField(
          path: file.path, field: field, value: value.text(.compact),
          hint: "only \(neutral.text(.compact)) is supported")
      }
    }
    // How the file was made; the layout of a weight is known from the model.
    file.ignore([
      "auto_mapping", "base_model_name_or_path", "revision", "task_type", "inference_mode",
      "peft_version", "fan_in_fan_out", "megatron_core", "qalora_group_size", "runtime_config",
    ])
  }

  private static func initialization(
    _ file: ConfigurationFile
  ) throws(CheckpointError) -> Initialization {
    switch file.value("init_lora_weights") ?? .bool(true) {
    case .bool(true), .null: return .kaiming
    case .bool(false): return .random
    case .string("gaussian"): return .gaussian
    case let value:
      throw .unsupportedField(
        path: file.path, field: "init_lora_weights", value: value.text(.compact),
        hint:
          "it changes the base when the adapter is loaded; only true, false and \"gaussian\" are supported"
      )
    }
  }

  private static func targets(
    _ file: ConfigurationFile, _ field: String
  ) throws(CheckpointError) -> Targets? {
    switch file.value(field) ?? .null {
    case .null: return nil
    case .string(let pattern): return .pattern(pattern)
    default: return .names(try strings(file, field))
    }
  }

  /// A list of strings, one string, or nothing.
  private static func strings(
    _ file: ConfigurationFile, _ field: String
  ) throws(CheckpointError) -> [String] {
    let value = file.value(field) ?? .null
    if value.isNull { return [] }
    let strings = value.string.map { [$0] } ?? value.elements?.compactMap(\.string)
    guard let strings, strings.count == value.elements?.count ?? 1 else {
      throw .invalidField(
        path: file.path, field: field, expected: "a string or a list of strings",
        found: value.kind)
    }
    return strings
  }

  private static func integers(
    _ file: ConfigurationFile, _ field: String
  ) throws(CheckpointError) -> [Int]? {
    let value = file.value(field) ?? .null
    if value.isNull { return nil }
    let numbers = value.integer.map { [$0] } ?? value.elements?.compactMap(\.integer)
    guard let numbers, numbers.count == value.elements?.count ?? 1 else {
      throw .invalidField(
        path: file.path, field: field, expected: "an integer or a list of integers",
        found: value.kind)
    }
    return numbers
  }

  private static func patterns<Value: Sendable & Hashable>(
    _ file: ConfigurationFile, _ field: String, _ read: (JSON) -> Value?
  ) throws(CheckpointError) -> [PatternValue<Value>] {
    let value = file.value(field) ?? .null
    if value.isNull { return [] }
    let entries = value.members?.compactMap { member in
      read(member.value).map { PatternValue(member.name, $0) }
    }
    guard let entries, entries.count == value.members?.count else {
      throw .invalidField(
        path: file.path, field: field, expected: "an object of numbers", found: value.kind)
    }
    return entries
  }
}

extension ConfigurationFile {
  fileprivate func positiveInteger(
    _ field: String, default value: Int
  ) throws(CheckpointError) -> Int {
    let number = try integer(field, default: value)
    guard number > 0 else {
      throw .invalidField(
        path: path, field: field, expected: "a positive number", found: "\(number)")
    }
    return number
  }
}
