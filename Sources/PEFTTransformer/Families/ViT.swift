import PEFTCheckpoints
import PEFTJSON
import PEFTTensor

/// ViT: an encoder over the patches of a picture, with a token before them that the head reads, learned positions, and norms before the parts.
///
/// "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale" (arXiv 2010.11929). The names are those of the modules in
/// Transformers from version 5 on; its checkpoints keep the earlier ones, and both are read.
enum ViT: ModelFamily {
  static let modelTypes = ["vit"]

  static let names: TransformerConfiguration.Names = {
    var names = TransformerConfiguration.Names(
      body: "vit", tokens: "embeddings.patch_embeddings.projection", positions: "embeddings",
      layers: "layers", attention: "attention", query: "q_proj", key: "k_proj", value: "v_proj",
      attentionOutput: "o_proj", attentionNorm: "layernorm_before", feedForward: "mlp", gate: "",
      up: "fc1", down: "fc2", feedForwardNorm: "layernorm_after", finalNorm: "layernorm", head: "",
      classifierDense: "pooler.dense", classifierOutput: "classifier")
    names.aliases = PathAliases([
      .init("layers", "encoder.layer"),
      .init("attention.q_proj", "attention.attention.query"),
      .init("attention.k_proj", "attention.attention.key"),
      .init("attention.v_proj", "attention.attention.value"),
      // Before the last one, whose name in checkpoints is the end of this.
      .init("attention.o_proj", "attention.output.dense"),
      .init("mlp.fc1", "intermediate.dense"), .init("mlp.fc2", "output.dense"),
    ])
    return names
  }()

  static func className(_ type: String) -> String { "ViT" }

  static func isBuffer(_ name: String) -> Bool { false }

  static func isHead(_ name: String) -> Bool {
    // The mask token and the decoder are those of masked modelling.
    ["classifier.", "pooler.", "vit.pooler.", "decoder."].contains(where: name.hasPrefix)
      || name.hasSuffix("embeddings.mask_token")
  }

  static func configuration(
    _ file: ConfigurationFile
  ) throws(CheckpointError) -> TransformerConfiguration {
    let width = try file.positive("hidden_size", default: 768)
    let heads = try file.positive("num_attention_heads", default: 12)
    guard width % heads == 0 else {
      throw file.invalid(
        "hidden_size", expected: "a multiple of num_attention_heads (\(heads))", found: "\(width)")
    }
    let (side, patch) = (try file.sides("image_size", 224), try file.sides("patch_size", 16))
    guard side.height % patch.height == 0, side.width % patch.width == 0 else {
      throw file.invalid(
        "image_size", expected: "multiples of patch_size (\(patch.height) x \(patch.width))",
        found: "\(side.height) x \(side.width)")
    }
    let images = TransformerConfiguration.Images(
      height: side.height, width: side.width, patchHeight: patch.height, patchWidth: patch.width,
      channels: try file.positive("num_channels", default: 3, below: 1 << 16),
      poolerWidth: try file.optionalPositive("pooler_output_size") ?? width,
      poolerActivation: try file.activation("pooler_act", default: "tanh"))
    var dropout = TransformerConfiguration.Dropout()
    dropout.residual = try file.dropout("hidden_dropout_prob", default: 0)
    dropout.embedding = dropout.residual
    dropout.attention = try file.dropout("attention_probs_dropout_prob", default: 0)
    // Of the decoder of masked modelling, and of token embeddings, which there are none of.
    file.ignore(["encoder_stride", "tie_word_embeddings"])
    var configuration = configuration(
      images, width: width, layers: try file.layers("num_hidden_layers", default: 12), heads: heads,
      feedForwardWidth: try file.positive("intermediate_size", default: 3072))
    configuration.normEpsilon = try file.nonNegative("layer_norm_eps", default: 1e-12)
    configuration.activation = try file.activation("hidden_act", default: "gelu")
    configuration.hasQueryKeyValueBias = try file.bool("qkv_bias", default: true)
    configuration.initializerRange = try file.nonNegative("initializer_range", default: 0.02)
    configuration.dropout = dropout
    configuration.labels = try file.labels()
    return configuration
  }

  /// A configuration with the usual settings, and without dropout.
  static func configuration(
    _ images: TransformerConfiguration.Images, width: Int, layers: Int, heads: Int,
    feedForwardWidth: Int
  ) -> TransformerConfiguration {
    var configuration = TransformerConfiguration(
      modelType: "vit", vocabularySize: 0, width: width, layers: layers, heads: heads,
      keyValueHeads: heads, headWidth: width / heads, feedForwardWidth: feedForwardWidth,
      maximumPositions: images.patches + 1, norm: .layer, normEpsilon: 1e-12, activation: .gelu,
      isGated: false, positions: .patches, hasFusedQueryKeyValue: false,
      hasQueryKeyValueBias: true, hasAttentionOutputBias: true, hasFeedForwardBias: true,
      slidingWindows: Array(repeating: nil, count: layers), hasTiedHead: false,
      layout: .outputInput, initializerRange: 0.02, names: names)
    configuration.isCausal = false
    configuration.images = images
    return configuration
  }

  static func fields(_ configuration: TransformerConfiguration) -> [JSON.Member] {
    guard let images = configuration.images else { return [] }
    func sides(_ height: Int, _ width: Int) -> JSON {
      height == width ? .integer(height) : .array([.integer(height), .integer(width)])
    }
    return [
      .init("architectures", .array([.string("ViTModel")])),
      .init("hidden_size", .integer(configuration.width)),
      .init("num_hidden_layers", .integer(configuration.layers)),
      .init("num_attention_heads", .integer(configuration.heads)),
      .init("intermediate_size", .integer(configuration.feedForwardWidth)),
      .init("hidden_act", .activation(configuration.activation)),
      .init("hidden_dropout_prob", .shortest(configuration.dropout.residual)),
      .init("attention_probs_dropout_prob", .shortest(configuration.dropout.attention)),
      .init("layer_norm_eps", .shortest(configuration.normEpsilon)),
      .init("qkv_bias", .bool(configuration.hasQueryKeyValueBias)),
      .init("image_size", sides(images.height, images.width)),
      .init("patch_size", sides(images.patchHeight, images.patchWidth)),
      .init("num_channels", .integer(images.channels)),
      .init("pooler_output_size", .integer(images.poolerWidth)),
      .init("pooler_act", .activation(images.poolerActivation)),
    ] + configuration.labelFields
  }
}

extension ConfigurationFile {
  /// A number for height and width, or both of them.
  fileprivate func sides(
    _ field: String, _ fallback: Int
  ) throws(CheckpointError) -> (height: Int, width: Int) {
    guard let elements = value(field)?.elements else {
      let side = try positive(field, default: fallback, below: 1 << 16)
      return (side, side)
    }
    let sides = elements.compactMap(\.integer)
    guard elements.count == 2, sides.count == 2, sides.allSatisfy((1..<1 << 16).contains) else {
      throw invalid(
        field, expected: "a number from 1 to 65535, or two of them",
        found: JSON.array(elements).text(.compact))
    }
    return (sides[0], sides[1])
  }
}
