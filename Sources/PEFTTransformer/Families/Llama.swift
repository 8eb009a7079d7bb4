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
    feedForwardNorm: "post_attention_layernorm", finalNorm: "norm", head: "lm_head")

  static func isBuffer(_ name: String) -> Bool { name.hasSuffix("rotary_emb.inv_freq") }

  static func configuration(
    _ file: ConfigurationFile
  ) throws(CheckpointError) -> TransformerConfiguration {
    let type = try file.string("model_type")
    let width = try file.positive("hidden_size", default: 4096)
    let heads = try file.positive("num_attention_heads", default: 32)
    let layers = try file.positive("num_hidden_layers", default: 32)
    let groups = try file.optionalInteger("num_key_value_heads") ?? defaultGroups(type, heads)
    let headWidth = try file.optionalInteger("head_dim") ?? width / heads
    guard groups > 0, heads % groups == 0, headWidth > 0, headWidth % 2 == 0 else {
      throw .invalidField(
        path: file.path, field: "num_key_value_heads, head_dim",
        expected: "a divisor of num_attention_heads (\(heads)), an even width",
        found: "\(groups), \(headWidth)")
    }
    let maximum = try file.positive(
      "max_position_embeddings",
      default: type == "llama" ? 2048 : type == "mistral" ? 131_072 : 32_768)
    var dropout = TransformerConfiguration.Dropout()
    dropout.attention = Float(try file.number("attention_dropout", default: 0))
    let isQwen = type == "qwen2"
    let hasBias = isQwen ? false : try file.bool("attention_bias", default: false)
    return TransformerConfiguration(
      modelType: type,
      vocabularySize: try file.positive("vocab_size", default: isQwen ? 151_936 : 32_000),
      width: width, layers: layers, heads: heads, keyValueHeads: groups, headWidth: headWidth,
      feedForwardWidth: try file.positive("intermediate_size"), maximumPositions: maximum,
      norm: .rootMeanSquare, normEpsilon: Float(try file.number("rms_norm_eps", default: 1e-6)),
      activation: try file.activation("hidden_act", default: "silu"), isGated: true,
      positions: .rotary(try RotaryScaling(file, maximumPositions: maximum)),
      hasFusedQueryKeyValue: false, hasQueryKeyValueBias: isQwen || hasBias,
      hasAttentionOutputBias: hasBias,
      hasFeedForwardBias: type == "llama" ? try file.bool("mlp_bias", default: false) : false,
      slidingWindows: try windows(file, type, layers),
      hasTiedHead: try file.bool("tie_word_embeddings", default: false), layout: .outputInput,
      initializerRange: Float(try file.number("initializer_range", default: 0.02)),
      dropout: dropout, names: names)
  }

  private static func defaultGroups(_ type: String, _ heads: Int) -> Int {
    switch type {
    case "mistral": 8
    case "qwen2": 32
    default: heads
    }
  }

  /// Mistral slides in every layer where a window is set; Qwen2 only where it is switched on, from a layer upwards or
  /// as `layer_types` lists.
  private static func windows(
    _ file: ConfigurationFile, _ type: String, _ layers: Int
  ) throws(CheckpointError) -> [Int?] {
    let none = [Int?](repeating: nil, count: layers)
    if type == "llama" { return none }
    let window = try file.optionalInteger("sliding_window")
    let types = try file.optionalStringArray("layer_types")
    let isOn = type == "mistral" ? true : try file.bool("use_sliding_window", default: false)
    let first = try file.integer("max_window_layers", default: 28)
    guard isOn, let window else { return none }
    guard window > 0 else {
      throw .invalidField(
        path: file.path, field: "sliding_window", expected: "a positive number or null",
        found: "\(window)")
    }
    if type == "mistral" { return Array(repeating: window, count: layers) }
    if let types {
      guard types.count == layers,
        types.allSatisfy({ ["sliding_attention", "full_attention"].contains($0) })
      else {
        throw .invalidField(
          path: file.path, field: "layer_types",
          expected: "\(layers) of sliding_attention and full_attention", found: "\(types)")
      }
      return types.map { $0 == "sliding_attention" ? window : nil }
    }
    return (0..<layers).map { $0 >= first ? window : nil }
  }
}

extension RotaryScaling {
  /// Reads `rope_theta` and `rope_scaling`, or the `rope_parameters` that join them in newer files.
  init(_ file: ConfigurationFile, maximumPositions: Int) throws(CheckpointError) {
    let newer = try file.object("rope_parameters")
    let older = try file.object("rope_scaling")
    let own = try file.optionalNumber("rope_theta")
    let fields = newer ?? older
    var base = own ?? 10_000
    if let newer { base = try newer.optionalNumber("rope_theta") ?? base }
    guard base > 0 else {
      throw .invalidField(
        path: file.path, field: "rope_theta", expected: "a positive number", found: "\(base)")
    }
    guard let fields else {
      self.init(base: base)
      return
    }
    let oldName = try fields.optionalString("type")
    let kindName = try fields.optionalString("rope_type") ?? oldName ?? "default"
    if newer == nil { fields.ignore(["rope_theta"]) }
    fields.ignore(["type", "rope_type"])
    let kind: Kind
    switch kindName {
    case "default": kind = .standard
    case "linear": kind = .linear(factor: try fields.number("factor"))
    case "dynamic":
      kind = .dynamic(factor: try fields.number("factor"))
      fields.ignore(["original_max_position_embeddings"])
    case "llama3":
      kind = .llama3(
        factor: try fields.number("factor"), lowFactor: try fields.number("low_freq_factor"),
        highFactor: try fields.number("high_freq_factor"),
        trainedPositions: try fields.positive(
          "original_max_position_embeddings", default: maximumPositions))
    default:
      throw .unsupportedField(
        path: file.path, field: "rope_scaling.rope_type", value: kindName,
        hint: "supported are default, linear, dynamic, llama3")
    }
    try fields.requireAllRead()
    self.init(base: base, kind: kind)
  }
}
