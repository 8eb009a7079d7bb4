public import PEFTCheckpoints
public import PEFTTensor

/// An encoder that finds the tokens behind masks: BERT, RoBERTa and DistilBERT as they were trained.
///
/// Module paths are those of Hugging Face's `BertForMaskedLM` and its like. A model is used from one isolation at a time.
public final class MaskedLM: TokenScorer {
  /// What the model was built from.
  public let configuration: TransformerConfiguration
  /// The part below the head.
  public let encoder: Encoder
  /// From hidden states to the vocabulary.
  public let head: MaskedLMHead
  /// Where the checkpoint came from; nil for a new model.
  public internal(set) var origin: ModelOrigin?
  /// What is attached.
  public let adapters = AdapterRegistry()
  /// Draws the masks of dropout while a loss is computed for training.
  public var dropoutKeys = DropoutKeys(seed: 0)

  /// Builds a model whose parameters come from `source`.
  ///
  /// - Parameters:
  ///   - configuration: of an encoder.
  ///   - source: random numbers or a checkpoint.
  ///   - precision: how frozen weights of linear layers are kept; nil for as the source has them.
  /// - Throws: `CheckpointError` where the source lacks a parameter or has it in another shape.
  public init(
    _ configuration: TransformerConfiguration, from source: any ParameterSource,
    precision: Precision? = nil
  ) throws(CheckpointError) {
    guard let settings = configuration.maskedHead, !configuration.isCausal else {
      preconditionFailure("MaskedLM: \(configuration.modelType)")
    }
    self.configuration = configuration
    encoder = try Encoder(configuration, from: source, precision: precision)
    head = try MaskedLMHead(configuration, settings, tokens: encoder.tokens, from: source)
    guard let precision else { return }
    for layer in [head.dense, head.output] {
      layer.store(as: self.precision(of: layer, precision))
    }
  }

  /// Loads a Hugging Face model folder: `config.json` and safetensors, sharded or not.
  ///
  /// Weights stay in the mapped file or in four bits as `CausalLM(directory:)` says. All parameters are frozen. Tensors of other heads are
  /// passed over.
  ///
  /// - Parameters:
  ///   - directory: the folder.
  ///   - precision: how the weights of linear layers are kept; nil for as the folder has them.
  ///   - loading: what to do with unknown fields of the configuration.
  /// - Throws: `CheckpointError` for a family that is no encoder, a field with a value that is not supported, and tensors that are
  ///   missing, unexpected or of another shape.
  public convenience init(
    directory: String, precision: Precision? = nil, _ loading: ModelLoading = .strict
  ) throws(CheckpointError) {
    try self.init(PretrainedFolder(directory, loading), precision: precision)
  }

  /// Loads an opened folder.
  convenience init(
    _ folder: PretrainedFolder, precision: Precision? = nil
  ) throws(CheckpointError) {
    try folder.requireEncoder()
    let source = folder.parameters()
    try self.init(folder.configuration, from: source, precision: precision)
    try folder.requireEverythingRead(source)
    origin = folder.origin
  }

  /// The class in Transformers.
  public var architecture: String? { configuration.className + "ForMaskedLM" }
  /// The last map.
  public var outputHead: Linear? { head.output }
  /// The part below the head.
  public var body: any PromptedStack { encoder }
  /// V.
  public var scoreCount: Int { configuration.vocabularySize }

  /// The head is not quantised: with four or eight bits its last map is bfloat16.
  public func precision(of layer: Linear, _ wanted: Precision) -> Precision {
    layer === head.output && wanted.isQuantized ? .bfloat16 : wanted
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members { [configuration.names.body: encoder, "": head] }

  /// The logits of hidden states.
  public func scores(_ states: Tensor, _ context: ForwardContext) -> Tensor {
    head(states, context)
  }
}
