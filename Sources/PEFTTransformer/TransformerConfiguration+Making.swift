public import PEFTCheckpoints
internal import PEFTJSON
import PEFTTensor

extension TransformerConfiguration {
  /// Reads the `config.json` of a Hugging Face model folder, for a model whose weights come from elsewhere.
  ///
  /// - Parameters:
  ///   - directory: the folder.
  ///   - loading: what to do with unknown fields.
  /// - Throws: `CheckpointError` for an unknown architecture and for a field with a value that is not supported.
  public init(directory: String, _ loading: ModelLoading = .strict) throws(CheckpointError) {
    let file = try ConfigurationFile(path: "\(directory)/config.json")
    self = try ModelFamilies.read(file, loading).0
  }

  /// A GPT-2 with the usual settings, and without dropout; all of them can be changed afterwards.
  ///
  /// - Parameters:
  ///   - vocabularySize: V.
  ///   - width: D, a multiple of `heads`.
  ///   - layers: the number of blocks.
  ///   - heads: H.
  ///   - maximumPositions: the length of the table of positions.
  /// - Returns: a configuration whose feed-forward width is 4 D.
  public static func gpt2(
    vocabularySize: Int, width: Int, layers: Int, heads: Int, maximumPositions: Int = 1024
  ) -> TransformerConfiguration {
    var configuration = TransformerConfiguration(
      modelType: "gpt2", vocabularySize: vocabularySize, width: width, layers: layers,
      heads: heads, keyValueHeads: heads, headWidth: width / heads, feedForwardWidth: 4 * width,
      maximumPositions: maximumPositions, norm: .layer, normEpsilon: 1e-5, activation: .geluTanh,
      isGated: false, positions: .learned, hasFusedQueryKeyValue: true,
      hasQueryKeyValueBias: true, hasAttentionOutputBias: true, hasFeedForwardBias: true,
      slidingWindows: Array(repeating: nil, count: layers), hasTiedHead: true,
      layout: .inputOutput, initializerRange: 0.02, names: GPT2.names)
    configuration.classifier = .lastToken()
    return configuration
  }

  /// A Llama with the usual settings; all of them can be changed afterwards.
  ///
  /// - Parameters:
  ///   - vocabularySize: V.
  ///   - width: D, a multiple of `heads`.
  ///   - feedForwardWidth: F.
  ///   - layers: the number of blocks.
  ///   - heads: H.
  ///   - keyValueHeads: G, which divides H; nil for H.
  ///   - maximumPositions: how many positions it is made for.
  ///   - hasTiedHead: whether the output head is the table of the token embedding.
  /// - Returns: a configuration without biases and with a rotary base of 10,000.
  public static func llama(
    vocabularySize: Int, width: Int, feedForwardWidth: Int, layers: Int, heads: Int,
    keyValueHeads: Int? = nil, maximumPositions: Int = 2048, hasTiedHead: Bool = false
  ) -> TransformerConfiguration {
    var configuration = TransformerConfiguration(
      modelType: "llama", vocabularySize: vocabularySize, width: width, layers: layers,
      heads: heads, keyValueHeads: keyValueHeads ?? heads, headWidth: width / heads,
      feedForwardWidth: feedForwardWidth, maximumPositions: maximumPositions,
      norm: .rootMeanSquare, normEpsilon: 1e-6, activation: .silu, isGated: true,
      positions: .rotary(RotaryScaling(base: 10_000)), hasFusedQueryKeyValue: false,
      hasQueryKeyValueBias: false, hasAttentionOutputBias: false, hasFeedForwardBias: false,
      slidingWindows: Array(repeating: nil, count: layers), hasTiedHead: hasTiedHead,
      layout: .outputInput, initializerRange: 0.02, names: Llama.names)
    configuration.classifier = .lastToken()
    return configuration
  }

  /// A BERT with the usual settings, and without dropout; all of them can be changed afterwards.
  ///
  /// - Parameters:
  ///   - vocabularySize: V.
  ///   - width: D, a multiple of `heads`.
  ///   - layers: the number of blocks.
  ///   - heads: H.
  ///   - maximumPositions: the length of the table of positions.
  ///   - labels: what the classes of a sequence classifier are called.
  /// - Returns: a configuration whose feed-forward width is 4 D.
  public static func bert(
    vocabularySize: Int, width: Int, layers: Int, heads: Int, maximumPositions: Int = 512,
    labels: [String] = ["LABEL_0", "LABEL_1"]
  ) -> TransformerConfiguration {
    var configuration = TransformerConfiguration(
      modelType: "bert", vocabularySize: vocabularySize, width: width, layers: layers,
      heads: heads, keyValueHeads: heads, headWidth: width / heads, feedForwardWidth: 4 * width,
      maximumPositions: maximumPositions, norm: .layer, normEpsilon: 1e-12, activation: .gelu,
      isGated: false, positions: .learned, hasFusedQueryKeyValue: false,
      hasQueryKeyValueBias: true, hasAttentionOutputBias: true, hasFeedForwardBias: true,
      slidingWindows: Array(repeating: nil, count: layers), hasTiedHead: true,
      layout: .outputInput, initializerRange: 0.02, names: Bert.names("bert"))
    configuration.normPlacement = .afterSums
    configuration.isCausal = false
    configuration.tokenTypes = 2
    configuration.labels = labels
    configuration.classifier = .init(activation: .tanh)
    configuration.maskedHead = Bert.maskedHead("bert", .gelu)
    return configuration
  }

  /// What `config.json` has to say for a model of this configuration.
  ///
  /// - Parameter path: of the file that it is for, to name it in an error.
  /// - Returns: an object that reads back as this configuration.
  /// - Throws: `CheckpointError` where the family has no fields for some of it, so that it would read back as another.
  func json(for path: String) throws(CheckpointError) -> JSON {
    let file = try ConfigurationFile(
      path: path, json: .object([.init("model_type", .string(modelType))]))
    var members: [JSON.Member] = [
      .init("model_type", .string(modelType)),
      .init("initializer_range", .shortest(initializerRange)),
    ]
    if images == nil {
      members.append(.init("vocab_size", .integer(vocabularySize)))
      members.append(.init("tie_word_embeddings", .bool(hasTiedHead)))
    }
    let json = JSON.object(try members + ModelFamilies.family(of: file).fields(self))
    let readBack = try ModelFamilies.read(ConfigurationFile(path: path, json: json), .strict).0
    guard readBack == self else {
      throw .invalidField(
        path: path, field: "model_type", expected: "a family that has every part of the model",
        found: modelType)
    }
    return json
  }
}
