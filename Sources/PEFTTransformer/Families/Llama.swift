import PEFTCheckpoints
import PEFTJSON
import PEFTTensor

/// The Llama family: rotary positions, root-mean-square norms, gated feed-forward, grouped key-value heads.
///
/// Llama (arXiv 2302.13971, 2307.09288, 2407.21783), Mistral (sliding window, arXiv 2310.06825), Qwen2 (biases on
/// query, key and value, arXiv 2407.10671).
enum Llama: ModelFamily {
  static let modelTypes = ["llama", "mistral", "qwen2"]

  static let names = TransformerConfiguration.Names(
    body: "model", tokens: "embed_tokens", positions: "", layers: "layers",
    attention: "self_attn", query: "q_proj", key: "k_proj", value: "v_proj",
    attentionOutput: "o_proj", attentionNorm: "input_layernorm", feedForward: "mlp",
    gate: "gate_proj", up: "up_proj", down: "down_proj",
    feedForwardNorm: "post_attention_layernorm", finalNorm: "norm", head: "lm_head",
    classifierOutput: "score")

  static func className(_ type: String) -> String { type.prefix(1).uppercased() + type.dropFirst() }

  static func isBuffer(_ name: String) -> Bool { name.hasSuffix("rotary_emb.inv_freq") }

  static func configuration(
    _ file: ConfigurationFile
  ) throws(CheckpointError) -> TransformerConfiguration {
    let type = try file.string("model_type")
    let width = try file.positive("hidden_size", default: 4096)
    let layers = try file.layers("num_hidden_layers", default: 32)
    let (heads, groups, headWidth) = try headSizes(file, type, width)
    let maximum = try file.positive(
      "max_position_embeddings",
      default: type == "llama" ? 2048 : type == "mistral" ? 131_072 : 32_768)
    var dropout = TransformerConfiguration.Dropout()
    dropout.attention = try file.dropout("attention_dropout", default: 0)
    // Mistral and Qwen2 have no such choices: files that make them mean another model.
    let isLlama = type == "llama"
    if !isLlama {
      try file.require("attention_bias", toBe: type == "qwen2")
      try file.require("mlp_bias", toBe: false)
    }
    try file.require("use_mrope", toBe: false)
    try file.require("rope_interleaved", toBe: false)
    let hasBias = isLlama ? try file.bool("attention_bias", default: false) : false
    var configuration = TransformerConfiguration(
      modelType: type,
      vocabularySize: try file.positive(
        "vocab_size", default: type == "qwen2" ? 151_936 : 32_000),
      width: width, layers: layers, heads: heads, keyValueHeads: groups, headWidth: headWidth,
      feedForwardWidth: try file.positive(
        "intermediate_size", default: isLlama ? 11_008 : type == "mistral" ? 14_336 : 22_016),
      maximumPositions: maximum, norm: .rootMeanSquare,
      normEpsilon: try file.nonNegative("rms_norm_eps", default: 1e-6),
      activation: try file.activation("hidden_act", default: "silu"), isGated: true,
      positions: .rotary(try RotaryScaling(file, maximumPositions: maximum)),
      hasFusedQueryKeyValue: false, hasQueryKeyValueBias: type == "qwen2" || hasBias,
      hasAttentionOutputBias: hasBias,
      hasFeedForwardBias: isLlama ? try file.bool("mlp_bias", default: false) : false,
      slidingWindows: try windows(file, type, layers),
      hasTiedHead: try file.bool("tie_word_embeddings", default: false), layout: .outputInput,
      initializerRange: try file.nonNegative("initializer_range", default: 0.02),
      dropout: dropout, names: names)
    configuration.labels = try file.statedLabels()
    configuration.classifier = .lastToken(padding: try file.paddingToken())
    return configuration
  }

  private static func headSizes(
    _ file: ConfigurationFile, _ type: String, _ width: Int
  ) throws(CheckpointError) -> (heads: Int, groups: Int, width: Int) {
    let heads = try file.positive("num_attention_heads", default: 32)
    // Absent and null differ: null means as many as there are heads.
    let usual =
      file.isPresent("num_key_value_heads") || type == "llama"
      ? heads : type == "mistral" ? 8 : 32
    let groups = try file.optionalPositive("num_key_value_heads") ?? usual
    guard heads % groups == 0 else {
      throw file.invalid(
        "num_key_value_heads", expected: "a divisor of num_attention_heads (\(heads))",
        found: "\(groups)")
    }
    let own = try file.optionalPositive("head_dim")
    guard own != nil || width % heads == 0 else {
      throw file.invalid(
        "hidden_size",
        expected: "a multiple of num_attention_heads (\(heads)), or head_dim beside it",
        found: "\(width)")
    }
    let headWidth = own ?? width / heads
    // Rotary positions turn pairs.
    guard headWidth % 2 == 0 else {
      throw file.invalid("head_dim", expected: "an even number", found: "\(headWidth)")
    }
    return (heads, groups, headWidth)
  }

  /// Mistral slides in every layer unless `sliding_window` is null; Qwen2 only where it is switched on, from a layer
  /// upwards or as `layer_types` lists.
  private static func windows(
    _ file: ConfigurationFile, _ type: String, _ layers: Int
  ) throws(CheckpointError) -> [Int?] {
    let none = [Int?](repeating: nil, count: layers)
    if type == "llama" { return none }
    let usual = file.isPresent("sliding_window") ? nil : 4096
    let window = try file.optionalPositive("sliding_window") ?? usual
    if type == "mistral" { return Array(repeating: window, count: layers) }
    let isOn = try file.bool("use_sliding_window", default: false)
    let first = try file.integer("max_window_layers", default: 28)
    let types = try file.optionalStringArray("layer_types")
    let known = ["sliding_attention", "full_attention"]
    guard types?.count ?? layers == layers, types?.allSatisfy(known.contains) ?? true else {
      throw file.invalid(
        "layer_types", expected: "\(layers) of sliding_attention and full_attention",
        found: "\(types ?? [])")
    }
    guard isOn, let window else { return none }
    return (0..<layers).map { layer in
      types.map { $0[layer] == "sliding_attention" } ?? (layer >= first) ? window : nil
    }
  }

  static func fields(_ configuration: TransformerConfiguration) -> [JSON.Member] {
    let type = configuration.modelType
    let activation = configuration.activation
    var members: [JSON.Member] = [
      .init(
        "architectures",
        .array([.string(className(type) + "ForCausalLM")])),
      .init("hidden_size", .integer(configuration.width)),
      .init("intermediate_size", .integer(configuration.feedForwardWidth)),
      .init("num_hidden_layers", .integer(configuration.layers)),
      .init("num_attention_heads", .integer(configuration.heads)),
      .init("num_key_value_heads", .integer(configuration.keyValueHeads)),
      .init("head_dim", .integer(configuration.headWidth)),
      .init("max_position_embeddings", .integer(configuration.maximumPositions)),
      .init("rms_norm_eps", .shortest(configuration.normEpsilon)),
      .init(
        "hidden_act",
        .string(activation == .geluTanh ? "gelu_pytorch_tanh" : activation.rawValue)),
      .init("attention_dropout", .shortest(configuration.dropout.attention)),
    ]
    let windows = configuration.slidingWindows
    let window = windows.lazy.compactMap { $0 }.first
    switch type {
    case "llama":
      members.append(.init("attention_bias", .bool(configuration.hasQueryKeyValueBias)))
      members.append(.init("mlp_bias", .bool(configuration.hasFeedForwardBias)))
    case "qwen2":
      members.append(.init("use_sliding_window", .bool(window != nil)))
      members.append(
        .init(
          "layer_types",
          .array(windows.map { .string($0 == nil ? "full_attention" : "sliding_attention") })))
      fallthrough
    default: members.append(.init("sliding_window", window.map(JSON.integer) ?? .null))
    }
    if case .rotary(let scaling) = configuration.positions {
      members.append(.init("rope_theta", .number(scaling.base)))
      if let json = scaling.json { members.append(.init("rope_scaling", json)) }
    }
    return members + configuration.labelFields + (configuration.classifier?.fields ?? [])
  }
}
