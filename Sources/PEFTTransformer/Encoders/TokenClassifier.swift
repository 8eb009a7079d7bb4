public import PEFTCheckpoints
public import PEFTTensor

/// An encoder that says to which of some classes each token belongs, as for the names in a text.
///
/// Module paths are those of Hugging Face's `BertForTokenClassification` and its like. As in PEFT, an adapter trains a whole copy of the
/// head beside what it adapts. A model is used from one isolation at a time.
public final class TokenClassifier: TokenScorer {
  /// What the model was built from.
  public let configuration: TransformerConfiguration
  /// The part below the head.
  public let encoder: Encoder
  /// D to the classes.
  public let head: Linear
  /// Where the checkpoint came from; nil for a new model.
  public internal(set) var origin: ModelOrigin?
  /// What is attached.
  public let adapters = AdapterRegistry()
  /// Draws the masks of dropout while a loss is computed for training.
  public var dropoutKeys = DropoutKeys(seed: 0)

  /// How the head is called in every family.
  private static let headName = "classifier"

  /// Builds a model whose parameters come from `source`.
  ///
  /// - Parameters:
  ///   - configuration: of an encoder, with the labels of the classes.
  ///   - source: random numbers or a checkpoint.
  ///   - precision: how frozen weights of linear layers below the head are kept; nil for as the source has them.
  /// - Throws: `CheckpointError` where the source lacks a parameter or has it in another shape.
  public init(
    _ configuration: TransformerConfiguration, from source: any ParameterSource,
    precision: Precision? = nil
  ) throws(CheckpointError) {
    precondition(
      !configuration.isCausal && !configuration.labels.isEmpty,
      "TokenClassifier: \(configuration.modelType), \(configuration.labels.count) labels")
    self.configuration = configuration
    encoder = try Encoder(configuration, from: source, precision: precision)
    let count = configuration.labels.count
    head = Linear(
      weight: try source.parameter(
        "\(Self.headName).weight", [count, configuration.width],
        .normal(configuration.initializerRange)),
      bias: try source.parameter("\(Self.headName).bias", [count], .zeros))
  }

  /// Loads a Hugging Face model folder: `config.json` and safetensors, sharded or not.
  ///
  /// Weights stay in the mapped file or in four bits as `CausalLM(directory:)` says. All parameters are frozen. Tensors of other heads are
  /// passed over.
  ///
  /// - Parameters:
  ///   - directory: the folder; with `newLabels` also that of a bare encoder or one with another head.
  ///   - newLabels: what the classes of a new head are called, which starts with random numbers; nil for the head in the folder.
  ///   - seed: chooses the random numbers of a new head.
  ///   - precision: how the weights of linear layers below the head are kept; nil for as the folder has them.
  ///   - loading: what to do with unknown fields of the configuration.
  /// - Throws: `CheckpointError` for a family that is no encoder, a field with a value that is not supported, and tensors that are
  ///   missing, unexpected or of another shape.
  public convenience init(
    directory: String, newLabels: [String]? = nil, seed: UInt64 = 0,
    precision: Precision? = nil, _ loading: ModelLoading = .strict
  ) throws(CheckpointError) {
    try self.init(
      PretrainedFolder(directory, loading), newLabels, seed: seed, precision: precision)
  }

  /// Loads an opened folder.
  convenience init(
    _ folder: PretrainedFolder, _ newLabels: [String]?, seed: UInt64 = 0,
    precision: Precision? = nil
  ) throws(CheckpointError) {
    try folder.requireEncoder()
    var configuration = folder.configuration
    configuration.labels = if let newLabels { newLabels } else { try folder.labels() }
    let source = folder.parameters(configuration, seed: seed) { path, _ in
      newLabels != nil && path.hasPrefix(Self.headName + ".")
    }
    try self.init(configuration, from: source, precision: precision)
    try folder.requireEverythingRead(source)
    origin = folder.origin(source)
  }

  /// `TOKEN_CLS`.
  public var taskType: String? { "TOKEN_CLS" }
  /// The class in Transformers.
  public var architecture: String? { configuration.className + "ForTokenClassification" }
  /// The head.
  public var outputHead: Linear? { head }
  /// The part below the head.
  public var body: any PromptedStack { encoder }
  /// The number of classes.
  public var scoreCount: Int { configuration.labels.count }

  /// The head, small and mostly trained as a whole, stays float32.
  public func precision(of layer: Linear, _ wanted: Precision) -> Precision {
    layer === head ? .float32 : wanted
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members { [configuration.names.body: encoder, Self.headName: head] }

  /// The scores of the classes.
  public func scores(_ states: Tensor, _ context: ForwardContext) -> Tensor {
    head(states.dropped(Bert.tokenDropout(configuration), context.dropout), context)
  }
}
