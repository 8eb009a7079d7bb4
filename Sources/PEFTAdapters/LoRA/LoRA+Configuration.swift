package import PEFTCheckpoints
internal import PEFTJSON

/// `adapter_config.json` of Hugging Face PEFT, read.
extension LoRA {
  /// Fields that only matter to other methods or to training in Python; null or their default elsewhere.
  static let unsupported: [(field: String, neutral: JSON)] = [
    ("alora_invocation_tokens", .null), ("arrow_config", .null), ("corda_config", .null),
    ("kasa_config", .null), ("layer_replication", .null),
    ("loftq_config", .object([])), ("lora_ga_config", .null), ("megatron_config", .null),
    ("monteclora_config", .null), ("target_parameters", .null),
    ("use_bdlora", .null), ("use_qalora", .bool(false)),
    ("velora_config", .null),
  ]

  /// The same for a method that has the fields of LoRA, but not what LoRA does with all of them.
  static let unsupportedElsewhere =
    unsupported + [
      ("eva_config", JSON.null), ("trainable_token_indices", JSON.null),
      ("use_dora", JSON.bool(false)),
    ]

  /// The settings in an `adapter_config.json`; fields that are not read are for the caller to judge.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    self.init(
      rank: try file.positiveInteger("r", default: 8),
      alpha: try file.number("lora_alpha", default: 8),
      dropout: Float(try file.number("lora_dropout", default: 0)))
    selection = try file.selection()
    rankPattern = try file.patterns("rank_pattern") { $0.integer }
    alphaPattern = try file.patterns("alpha_pattern") { $0.number }
    isRankStabilized = try file.bool("use_rslora", default: false)
    let bias = try file.string("bias", default: "none")
    guard let bias = BiasTraining(rawValue: bias) else {
      throw .invalidField(
        path: file.path, field: "bias", expected: "none, all or lora_only", found: bias)
    }
    self.bias = bias
    hasBias = try file.bool("lora_bias", default: false)
    ensuresWeightTying = try file.bool("ensure_weight_tying", default: false)
    usesWeightDecomposition = try file.bool("use_dora", default: false)
    initialization = try Self.initialization(file)
    (trainableTokens, trainableTokensModule) = try Self.trainableTokens(file)
    try file.refuse(Self.unsupported)
    file.ignore(["eva_config", "megatron_core", "qalora_group_size", "runtime_config"])
  }

  private static func initialization(
    _ file: ConfigurationFile
  ) throws(CheckpointError) -> Initialization {
    switch file.value("init_lora_weights") ?? .bool(true) {
    case .bool(let isUsual): return isUsual ? .kaiming : .random
    case .null: return .kaiming
    case .string(let name) where Initialization(field: name) != nil:
      return Initialization(field: name) ?? .kaiming
    case let value:
      throw .unsupportedField(
        path: file.path, field: "init_lora_weights", value: value.text(.compact),
        hint: "it changes the base when the adapter is loaded, in a way that is not known here; "
          + "true, false, gaussian, orthogonal, eva, pissa, pissa_niter_K and olora are supported"
      )
    }
  }
}
