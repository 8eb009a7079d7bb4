package import PEFTJSON

extension LoRA: StoredMethod {
  /// The fields of `adapter_config.json` as PEFT writes it.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    context.fields(type: Self.type, selection)
      + Self.unsupported.map { JSON.Member($0.field, $0.neutral) } + [
        .init(
          "alpha_pattern",
          .object(alphaPattern.map { .init($0.pattern, .shortest($0.value)) })),
        .init("bias", .string(bias.rawValue)),
        .init("ensure_weight_tying", .bool(ensuresWeightTying)),
        .init("fan_in_fan_out", .bool(context.isConv1D)),
        .init("eva_config", initialization == .eva ? Self.evaFields : .null),
        .init("init_lora_weights", initialization.field),
        .init("lora_alpha", .shortest(alpha)),
        .init("lora_bias", .bool(hasBias)),
        .init("lora_dropout", .number(Double("\(dropout)") ?? 0)),
        .init("megatron_core", .string("megatron.core")),
        .init("qalora_group_size", .integer(16)),
        .init("r", .integer(rank)),
        .init("rank_pattern", .object(rankPattern.map { .init($0.pattern, .integer($0.value)) })),
        .init("use_dora", .bool(usesWeightDecomposition)),
        .init("use_rslora", .bool(isRankStabilized)),
      ]
  }
}

extension LoRA {
  /// `eva_config`: only how the start was found; the defaults of PEFT.
  static let evaFields = JSON.object([
    .init("adjust_scaling_factors", .bool(true)), .init("label_mask_value", .integer(-100)),
    .init("rho", .number(2)), .init("tau", .number(0.99)), .init("use_label_mask", .bool(true)),
    .init("whiten", .bool(false)),
  ])
}
