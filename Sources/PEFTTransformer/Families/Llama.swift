import PEFTCheckpoints
import PEFTJSON
import PEFTTensor

/// The Llama family: rotary positions, root-mean-square norms, gated feed-forward, grouped key-value heads.
///
/// Llama (arXiv 2302.13971, 2307.09288, 2407.21783), Mistral (sliding window, arXiv 2310.06825), Qwen2 (biases on
/// query, key and value, arXiv 2407.10671), Qwen3 (norms of queries and keys, arXiv 2505.09388), Gemma (norms that start from one,
/// scaled embeddings, arXiv 2403.08295), Phi-3 (joined maps, arXiv 2404.14219).
enum Llama: ModelFamily {
  static let modelTypes = ["llama", "mistral", "qwen2", "qwen3", "gemma", "phi3"]

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
    let usual = Defaults(type)
    let width = try file.positive("hidden_size", default: usual.width)
    let layers = try file.layers("num_hidden_layers", default: usual.layers)
    let (heads, groups, headWidth) = try headSizes(file, usual, width)
    let maximum = try file.positive("max_position_embeddings", default: usual.maximumPositions)
    var dropout = TransformerConfiguration.Dropout()
    dropout.attention = try file.dropout("attention_dropout", default: 0)
    if type == "phi3" { dropout.residual = try file.dropout("resid_pdrop", default: 0) }
    let scaling = try RotaryScaling(file, maximumPositions: maximum)
    try checkChoices(file, type, scaling)
    let hasBias = hasChoiceOfBias(type) ? try file.bool("attention_bias", default: false) : false
    var configuration = TransformerConfiguration(
      modelType: type,
      vocabularySize: try file.positive("vocab_size", default: usual.vocabularySize),
      width: width, layers: layers, heads: heads, keyValueHeads: groups, headWidth: headWidth,
      feedForwardWidth: try file.positive("intermediate_size", default: usual.feedForwardWidth),
      maximumPositions: maximum, norm: .rootMeanSquare,
      normEpsilon: try file.nonNegative("rms_norm_eps", default: usual.normEpsilon),
      activation: try activation(file, type, usual), isGated: true, positions: .rotary(scaling),
      hasFusedQueryKeyValue: type == "phi3", hasQueryKeyValueBias: type == "qwen2" || hasBias,
      hasAttentionOutputBias: hasBias,
      hasFeedForwardBias: type == "llama" ? try file.bool("mlp_bias", default: false) : false,
      slidingWindows: try windows(file, type, usual, layers),
      hasTiedHead: try file.bool("tie_word_embeddings", default: usual.hasTiedHead),
      layout: .outputInput,
      initializerRange: try file.nonNegative("initializer_range", default: 0.02),
      dropout: dropout, names: names(type))
    configuration.hasQueryKeyNorm = type == "qwen3"
    configuration.hasFusedGate = type == "phi3"
    if type == "gemma" {
      (configuration.normOffset, configuration.embeddingScale) = (1, Float(width).squareRoot())
    }
    configuration.labels = try file.statedLabels()
    configuration.classifier = .lastToken(padding: try file.paddingToken(usual: usual.paddingToken))
    return configuration
  }

  /// Whether files say whether attention has biases.
  private static func hasChoiceOfBias(_ type: String) -> Bool {
    ["llama", "qwen3", "gemma"].contains(type)
  }

  /// Refuses choices that a family does not have: files that make them mean another model.
  private static func checkChoices(
    _ file: ConfigurationFile, _ type: String, _ scaling: RotaryScaling
  ) throws(CheckpointError) {
    if !hasChoiceOfBias(type) { try file.require("attention_bias", toBe: type == "qwen2") }
    if type != "llama" { try file.require("mlp_bias", toBe: false) }
    try file.require("use_mrope", toBe: false)
    try file.require("rope_interleaved", toBe: false)
    try file.require("use_bidirectional_attention", toBe: false)
    guard type == "phi3" else { return }
    // Transformers has no dropout of embeddings there, whatever this says, and needs the other for long rows only.
    file.ignore(["embd_pdrop", "original_max_position_embeddings"])
    if try file.factor("partial_rotary_factor", default: 1) != 1 {
      throw file.unsupported("partial_rotary_factor", hint: "only 1 is supported")
    }
    guard scaling.kind == .standard else {
      throw file.unsupported(
        file.has("rope_scaling") ? "rope_scaling" : "rope_parameters",
        hint: "positions of phi3 cannot be scaled")
    }
  }

  /// The first files of Gemma say gelu and mean its approximation, as a later field says.
  private static func activation(
    _ file: ConfigurationFile, _ type: String, _ usual: Defaults
  ) throws(CheckpointError) -> Activation {
    let activation = try file.activation("hidden_act", default: usual.activation)
    guard type == "gemma" else { return activation }
    guard try file.optionalString("hidden_activation") ?? usual.activation == usual.activation
    else {
      throw file.unsupported("hidden_activation", hint: "only \(usual.activation) is supported")
    }
    return activation == .gelu ? .geluTanh : activation
  }

  private static func headSizes(
    _ file: ConfigurationFile, _ usual: Defaults, _ width: Int
  ) throws(CheckpointError) -> (heads: Int, groups: Int, width: Int) {
    let heads = try file.positive("num_attention_heads", default: usual.heads)
    // Absent and null differ: null means as many as there are heads.
    let absent = file.isPresent("num_key_value_heads") ? heads : usual.keyValueHeads ?? heads
    let groups = try file.optionalPositive("num_key_value_heads") ?? absent
    guard heads % groups == 0 else {
      throw file.invalid(
        "num_key_value_heads", expected: "a divisor of num_attention_heads (\(heads))",
        found: "\(groups)")
    }
    let own =
      try file.optionalPositive("head_dim")
      ?? (file.isPresent("head_dim") ? nil : usual.headWidth)
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

  /// Mistral slides in every layer unless `sliding_window` is null, Phi-3 where there is one; Qwen2 and Qwen3 only where it is switched
  /// on, from a layer upwards or as `layer_types` lists.
  private static func windows(
    _ file: ConfigurationFile, _ type: String, _ usual: Defaults, _ layers: Int
  ) throws(CheckpointError) -> [Int?] {
    let none = [Int?](repeating: nil, count: layers)
    if type == "llama" || type == "gemma" { return none }
    let absent = file.isPresent("sliding_window") ? nil : usual.slidingWindow
    let window = try file.optionalPositive("sliding_window") ?? absent
    if type == "mistral" || type == "phi3" { return Array(repeating: window, count: layers) }
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
    case "llama": members.append(.init("mlp_bias", .bool(configuration.hasFeedForwardBias)))
    case "gemma": break
    case "qwen2", "qwen3":
      members.append(.init("use_sliding_window", .bool(window != nil)))
      members.append(
        .init(
          "layer_types",
          .array(windows.map { .string($0 == nil ? "full_attention" : "sliding_attention") })))
      fallthrough
    default: members.append(.init("sliding_window", window.map(JSON.integer) ?? .null))
    }
    if hasChoiceOfBias(type) {
      members.append(.init("attention_bias", .bool(configuration.hasQueryKeyValueBias)))
    }
    if type == "phi3" {
      members.append(.init("resid_pdrop", .shortest(configuration.dropout.residual)))
    }
    if Defaults(type).paddingToken != nil, configuration.classifier?.fields.isEmpty == true {
      members.append(.init("pad_token_id", .null))
    }
    if case .rotary(let scaling) = configuration.positions {
      members.append(.init("rope_theta", .number(scaling.base)))
      if let json = scaling.json { members.append(.init("rope_scaling", json)) }
    }
    return members + configuration.labelFields + (configuration.classifier?.fields ?? [])
  }
}
