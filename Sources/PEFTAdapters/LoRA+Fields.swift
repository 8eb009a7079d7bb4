internal import PEFTJSON

extension LoRA {
  /// The version of PEFT whose fields are written.
  private static let writtenVersion = "0.21.2"

  /// The fields of `adapter_config.json` as PEFT writes it, with lists sorted so that the same settings give the same bytes.
  ///
  /// `self` has its targets spelled out.
  func fields(baseModel: String?, taskType: String?, isConv1D: Bool) -> [JSON.Member] {
    var fields = Self.unsupported.map { JSON.Member($0.field, $0.neutral) }
    func add(_ name: String, _ value: JSON) { fields.append(.init(name, value)) }
    add("alpha_pattern", .object(alphaPattern.map { .init($0.pattern, Self.number($0.value)) }))
    add("auto_mapping", .null)
    add("base_model_name_or_path", baseModel.map(JSON.string) ?? .null)
    add("bias", .string(bias.rawValue))
    add("ensure_weight_tying", .bool(ensuresWeightTying))
    add("exclude_modules", excluded.map(Self.json) ?? .null)
    add("fan_in_fan_out", .bool(isConv1D))
    add("inference_mode", .bool(true))
    add(
      "init_lora_weights",
      initialization == .gaussian ? .string("gaussian") : .bool(initialization == .kaiming))
    let isOne = layersPattern.count == 1
    add(
      "layers_pattern",
      layersPattern.isEmpty ? .null : isOne ? .string(layersPattern[0]) : Self.list(layersPattern))
    add("layers_to_transform", layersToTransform.map { .array($0.map(JSON.integer)) } ?? .null)
    add("lora_alpha", Self.number(alpha))
    add("lora_bias", .bool(hasBias))
    add("lora_dropout", .number(Double("\(dropout)") ?? 0))
    add("megatron_core", .string("megatron.core"))
    add("modules_to_save", modulesToSave.isEmpty ? .null : Self.list(modulesToSave))
    add("peft_type", .string("LORA"))
    add("peft_version", .string(Self.writtenVersion))
    add("qalora_group_size", .integer(16))
    add("r", .integer(rank))
    add("rank_pattern", .object(rankPattern.map { .init($0.pattern, .integer($0.value)) }))
    add("revision", .null)
    add("target_modules", Self.json(targets))
    add("task_type", taskType.map(JSON.string) ?? .null)
    add("use_rslora", .bool(isRankStabilized))
    return fields
  }

  private static func number(_ value: Double) -> JSON {
    Int(exactly: value).map(JSON.integer) ?? .number(value)
  }

  private static func list(_ names: [String]) -> JSON { .array(names.map(JSON.string)) }

  private static func json(_ targets: Targets) -> JSON {
    switch targets {
    case .pattern(let pattern): .string(pattern)
    case .names(let names): list(names)
    case .allLinear, .attention: preconditionFailure("LoRA: \(targets) has to be spelled out first")
    }
  }
}
