import PEFTCheckpoints
import PEFTJSON
import PEFTTensor

/// GPT-2: learned positions, `Conv1D` weights, one map for query, key and value, a tied head.
///
/// Radford et al., "Language Models are Unsupervised Multitask Learners", 2019.
enum GPT2: ModelFamily {
  static let modelTypes = ["gpt2"]

  static let names = TransformerConfiguration.Names(
    body: "transformer", tokens: "wte", positions: "wpe", layers: "h", attention: "attn",
    query: "c_attn", key: "", value: "", attentionOutput: "c_proj", attentionNorm: "ln_1",
    feedForward: "mlp", gate: "", up: "c_fc", down: "c_proj", feedForwardNorm: "ln_2",
    finalNorm: "ln_f", head: "lm_head", classifierOutput: "score")

  static func className(_ type: String) -> String { "GPT2" }

  static func isBuffer(_ name: String) -> Bool {
    name.hasSuffix(".attn.bias") || name.hasSuffix(".attn.masked_bias")
  }

  static func configuration(
    _ file: ConfigurationFile
  ) throws(CheckpointError) -> TransformerConfiguration {
    let width = try file.positive("n_embd", default: 768)
    let heads = try file.positive("n_head", default: 12)
    let layers = try file.layers("n_layer", default: 12)
    guard width % heads == 0 else {
      throw file.invalid("n_embd", expected: "a multiple of n_head (\(heads))", found: "\(width)")
    }
    try file.require("scale_attn_weights", toBe: true)
    try file.require("scale_attn_by_inverse_layer_idx", toBe: false)
    try file.require("add_cross_attention", toBe: false)
    var dropout = TransformerConfiguration.Dropout()
    dropout.embedding = try file.dropout("embd_pdrop", default: 0.1)
    dropout.attention = try file.dropout("attn_pdrop", default: 0.1)
    dropout.residual = try file.dropout("resid_pdrop", default: 0.1)
    // The order of two roundings in half precision; nothing in float32.
    file.ignore(["reorder_and_upcast_attn"])
    file.ignore([
      "summary_type", "summary_use_proj", "summary_activation", "summary_first_dropout",
      "summary_proj_to_labels", "n_ctx",
    ])
    var configuration = TransformerConfiguration(
      modelType: "gpt2",
      vocabularySize: try file.positive("vocab_size", default: 50257), width: width,
      layers: layers, heads: heads, keyValueHeads: heads, headWidth: width / heads,
      feedForwardWidth: try file.optionalPositive("n_inner") ?? 4 * width,
      maximumPositions: try file.positive("n_positions", default: 1024), norm: .layer,
      normEpsilon: try file.nonNegative("layer_norm_epsilon", default: 1e-5),
      activation: try file.activation("activation_function", default: "gelu_new"), isGated: false,
      positions: .learned, hasFusedQueryKeyValue: true, hasQueryKeyValueBias: true,
      hasAttentionOutputBias: true, hasFeedForwardBias: true,
      slidingWindows: Array(repeating: nil, count: layers),
      hasTiedHead: try file.bool("tie_word_embeddings", default: true), layout: .inputOutput,
      initializerRange: try file.nonNegative("initializer_range", default: 0.02),
      dropout: dropout, names: names)
    configuration.labels = try file.statedLabels()
    configuration.classifier = .lastToken(padding: try file.paddingToken())
    return configuration
  }

  static func fields(_ configuration: TransformerConfiguration) -> [JSON.Member] {
    let members: [JSON.Member] = [
      .init("architectures", .array([.string("GPT2LMHeadModel")])),
      .init("n_embd", .integer(configuration.width)),
      .init("n_layer", .integer(configuration.layers)),
      .init("n_head", .integer(configuration.heads)),
      .init("n_inner", .integer(configuration.feedForwardWidth)),
      .init("n_positions", .integer(configuration.maximumPositions)),
      .init("layer_norm_epsilon", .shortest(configuration.normEpsilon)),
      .init("activation_function", .activation(configuration.activation)),
      .init("embd_pdrop", .shortest(configuration.dropout.embedding)),
      .init("attn_pdrop", .shortest(configuration.dropout.attention)),
      .init("resid_pdrop", .shortest(configuration.dropout.residual)),
    ]
    return members + configuration.labelFields + (configuration.classifier?.fields ?? [])
  }
}
