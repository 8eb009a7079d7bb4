import PEFTCheckpoints
import PEFTJSON
import PEFTTensor

/// BERT and its like: encoders with learned positions, norms after the sums, and biases everywhere.
///
/// BERT (arXiv 1810.04805), RoBERTa (positions count from the padding token on, another head, arXiv 1907.11692), DistilBERT (no kinds of
/// tokens, other names, arXiv 1910.01108).
enum Bert: ModelFamily {
  static let modelTypes = ["bert", "roberta", "distilbert"]

  static func names(_ type: String) -> TransformerConfiguration.Names {
    var names = TransformerConfiguration.Names(
      body: type, tokens: "embeddings.word_embeddings",
      positions: "embeddings.position_embeddings", layers: "encoder.layer",
      attention: "attention", query: "self.query", key: "self.key", value: "self.value",
      attentionOutput: "output.dense", attentionNorm: "attention.output.LayerNorm",
      feedForward: "", gate: "", up: "intermediate.dense", down: "output.dense",
      feedForwardNorm: "output.LayerNorm", finalNorm: "", head: "",
      tokenTypes: "embeddings.token_type_embeddings", embeddingNorm: "embeddings.LayerNorm",
      classifierDense: "bert.pooler.dense", classifierOutput: "classifier")
    if type == "roberta" {
      (names.classifier, names.classifierDense, names.classifierOutput) = (
        "classifier", "dense", "out_proj"
      )
    }
    guard type == "distilbert" else { return names }
    names.layers = "transformer.layer"
    (names.query, names.key, names.value) = ("q_lin", "k_lin", "v_lin")
    (names.attentionOutput, names.attentionNorm) = ("out_lin", "sa_layer_norm")
    (names.feedForward, names.up, names.down) = ("ffn", "lin1", "lin2")
    (names.feedForwardNorm, names.tokenTypes) = ("output_layer_norm", "")
    names.classifierDense = "pre_classifier"
    return names
  }

  static func className(_ type: String) -> String {
    ["roberta": "Roberta", "distilbert": "DistilBert"][type] ?? "Bert"
  }

  static func isBuffer(_ name: String) -> Bool {
    name.hasSuffix("embeddings.position_ids") || name.hasSuffix("embeddings.token_type_ids")
  }

  static func isHead(_ name: String) -> Bool {
    [
      "cls.", "classifier.", "pre_classifier.", "lm_head.", "pooler.", "bert.pooler.",
      "roberta.pooler.", "vocab_transform.", "vocab_layer_norm.", "vocab_projector.", "qa_outputs.",
    ].contains(where: name.hasPrefix)
  }

  static func configuration(
    _ file: ConfigurationFile
  ) throws(CheckpointError) -> TransformerConfiguration {
    let type = try file.string("model_type")
    let fields = Fields(type)
    let width = try file.positive(fields.width, default: 768)
    let heads = try file.positive(fields.heads, default: 12)
    let layers = try file.layers(fields.layers, default: type == "distilbert" ? 6 : 12)
    guard width % heads == 0 else {
      throw file.invalid(
        fields.width, expected: "a multiple of \(fields.heads) (\(heads))", found: "\(width)")
    }
    try file.require("is_decoder", toBe: false)
    try file.require("add_cross_attention", toBe: false)
    guard try file.string("position_embedding_type", default: "absolute") == "absolute" else {
      throw file.unsupported("position_embedding_type", hint: "only absolute is supported")
    }
    let isRoberta = type == "roberta"
    let padding = isRoberta ? try file.integer("pad_token_id", default: 1) : -1
    let maximum = try file.positive("max_position_embeddings", default: 512)
    guard (-1..<maximum - 1).contains(padding) else {
      throw file.invalid(
        "pad_token_id", expected: "a number that leaves positions after it", found: "\(padding)")
    }
    let first = padding + 1
    var dropout = TransformerConfiguration.Dropout()
    dropout.residual = try file.dropout(fields.dropout, default: 0.1)
    dropout.embedding = dropout.residual
    dropout.attention = try file.dropout(fields.attentionDropout, default: 0.1)
    file.ignore([
      "directionality", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers",
      "pooler_size_per_head", "pooler_type", "qa_dropout", "sinusoidal_pos_embds", "tie_weights_",
      "output_past",
    ])
    var configuration = TransformerConfiguration(
      modelType: type,
      vocabularySize: try file.positive("vocab_size", default: isRoberta ? 50_265 : 30_522),
      width: width, layers: layers, heads: heads, keyValueHeads: heads, headWidth: width / heads,
      feedForwardWidth: try file.positive(fields.feedForwardWidth, default: 3072),
      maximumPositions: maximum, norm: .layer,
      normEpsilon: type == "distilbert"
        ? 1e-12 : try file.nonNegative("layer_norm_eps", default: 1e-12),
      activation: try file.activation(fields.activation, default: "gelu"), isGated: false,
      positions: .learned, hasFusedQueryKeyValue: false, hasQueryKeyValueBias: true,
      hasAttentionOutputBias: true, hasFeedForwardBias: true,
      slidingWindows: Array(repeating: nil, count: layers),
      hasTiedHead: try file.bool("tie_word_embeddings", default: true), layout: .outputInput,
      initializerRange: try file.nonNegative("initializer_range", default: 0.02),
      dropout: dropout, names: names(type))
    configuration.normPlacement = .afterSums
    configuration.isCausal = false
    configuration.firstPosition = first
    configuration.labels = try file.labels()
    configuration.tokenTypes =
      type == "distilbert" ? 0 : try file.positive("type_vocab_size", default: 2)
    configuration.classifier = try head(file, type, dropout)
    configuration.maskedHead = maskedHead(type, configuration.activation)
    return configuration
  }

  /// Dropout before the head of a token classifier, for which DistilBERT has none of its own.
  static func tokenDropout(_ configuration: TransformerConfiguration) -> Float {
    configuration.modelType == "distilbert"
      ? configuration.dropout.residual : configuration.classifier?.dropout ?? 0
  }

  static func maskedHead(
    _ type: String, _ activation: Activation
  ) -> TransformerConfiguration.MaskedHead {
    switch type {
    case "roberta":
      .init(
        activation: .gelu, dense: "lm_head.dense", norm: "lm_head.layer_norm",
        output: "lm_head.decoder", bias: "lm_head.bias")
    case "distilbert":
      .init(
        activation: activation, dense: "vocab_transform", norm: "vocab_layer_norm",
        output: "vocab_projector", bias: "vocab_projector.bias")
    default:
      .init(
        activation: activation, dense: "cls.predictions.transform.dense",
        norm: "cls.predictions.transform.LayerNorm", output: "cls.predictions.decoder",
        bias: "cls.predictions.bias")
    }
  }

  private static func head(
    _ file: ConfigurationFile, _ type: String, _ dropout: TransformerConfiguration.Dropout
  ) throws(CheckpointError) -> TransformerConfiguration.ClassifierHead {
    if type == "distilbert" {
      return .init(
        activation: .relu, dropout: try file.dropout("seq_classif_dropout", default: 0.2))
    }
    let own =
      file.has("classifier_dropout")
      ? try file.dropout("classifier_dropout", default: 0) : dropout.residual
    file.ignore(["classifier_dropout"])
    return .init(activation: .tanh, inputDropout: type == "roberta" ? own : 0, dropout: own)
  }

  static func fields(_ configuration: TransformerConfiguration) -> [JSON.Member] {
    let type = configuration.modelType
    let fields = Fields(type)
    var members: [JSON.Member] = [
      .init("architectures", .array([.string(className(type) + "Model")])),
      .init(fields.width, .integer(configuration.width)),
      .init(fields.layers, .integer(configuration.layers)),
      .init(fields.heads, .integer(configuration.heads)),
      .init(fields.feedForwardWidth, .integer(configuration.feedForwardWidth)),
      .init("max_position_embeddings", .integer(configuration.maximumPositions)),
      .init(fields.activation, .activation(configuration.activation)),
      .init(fields.dropout, .shortest(configuration.dropout.residual)),
      .init(fields.attentionDropout, .shortest(configuration.dropout.attention)),
      .init(
        type == "distilbert" ? "seq_classif_dropout" : "classifier_dropout",
        .shortest(configuration.classifier?.dropout ?? 0)),
    ]
    if type != "distilbert" {
      members.append(.init("layer_norm_eps", .shortest(configuration.normEpsilon)))
      members.append(.init("type_vocab_size", .integer(configuration.tokenTypes)))
    }
    if type == "roberta" {
      members.append(.init("pad_token_id", .integer(configuration.firstPosition - 1)))
    }
    return members + configuration.labelFields
  }

  /// The names of fields, of which DistilBERT has its own.
  private struct Fields {
    let width, layers, heads, feedForwardWidth, activation, dropout, attentionDropout: String

    init(_ type: String) {
      (width, layers, heads, feedForwardWidth, activation, dropout, attentionDropout) =
        type == "distilbert"
        ? ("dim", "n_layers", "n_heads", "hidden_dim", "activation", "dropout", "attention_dropout")
        : (
          "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
          "hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob"
        )
    }
  }
}
