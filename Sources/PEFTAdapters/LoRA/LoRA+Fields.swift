package import PEFTJSON
package import PEFTTensor

extension LoRA: StoredMethod {
  /// The fields of `adapter_config.json` as PEFT writes it.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    if initialization.startRole == .kept { return doubled.fields(context) }
    return context.fields(type: Self.type, selection)
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
        .init("trainable_token_indices", trainableTokensField(context)),
        .init("use_dora", .bool(usesWeightDecomposition)),
        .init("use_rslora", .bool(isRankStabilized)),
      ]
  }

  /// The tensors as they are; joined to a start that cannot be made from the base again.
  package func storedValues(_ adapter: Adapter) -> [(name: String, value: Tensor)] {
    initialization.startRole == .kept
      ? adapter.doubledValues
      : adapter.storedTensors.map { ($0.name, $0.parameter.value) }
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
