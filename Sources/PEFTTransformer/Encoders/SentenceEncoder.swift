public import PEFTCheckpoints
public import PEFTTensor

/// An encoder that makes one vector of a row of tokens: the mean of their hidden states, of length one.
///
/// Module paths are those of Hugging Face's `BertModel` and its like, without a prefix. "Sentence-BERT" (arXiv 1908.10084). A model is used
/// from one isolation at a time.
public final class SentenceEncoder: TextModel {
  /// What the model was built from.
  public let configuration: TransformerConfiguration
  /// The model below the mean.
  public let encoder: Encoder
  /// The map that `BertModel` puts on the first token; nil where the folder has none.
  ///
  /// No vector depends on it. It is kept so that what is saved is whole, and adapters that have a part for it fit.
  public let pooler: Linear?
  /// Whether the means are scaled to length one.
  public let normalizes: Bool
  /// Where the checkpoint came from; nil for a new model.
  public internal(set) var origin: ModelOrigin?
  /// What is attached.
  public let adapters = AdapterRegistry()
  /// Draws the masks of dropout in training.
  public var dropoutKeys = DropoutKeys(seed: 0)

  private static let poolerName = "pooler.dense"

  /// Builds a model whose parameters come from `source`.
  ///
  /// - Parameters:
  ///   - configuration: of an encoder.
  ///   - source: random numbers or a checkpoint.
  ///   - normalizes: whether the means are scaled to length one.
  ///   - hasPooler: whether the source has a pooler.
  ///   - precision: how frozen weights of linear layers are kept; nil for as the source has them.
  /// - Throws: `CheckpointError` where the source lacks a parameter or has it in another shape.
  public init(
    _ configuration: TransformerConfiguration, from source: any ParameterSource,
    normalizes: Bool = true, hasPooler: Bool = false, precision: Precision? = nil
  ) throws(CheckpointError) {
    precondition(!configuration.isCausal, "SentenceEncoder: \(configuration.modelType)")
    self.configuration = configuration
    self.normalizes = normalizes
    var bare = configuration
    bare.names.body = ""
    encoder = try Encoder(bare, from: source, precision: precision)
    pooler =
      hasPooler
      ? try TransformerBuilder(bare, source, precision)
        .linear(Self.poolerName, configuration.width, configuration.width, bias: true) : nil
  }

  /// Loads the folder of an encoder, or of `sentence-transformers`, whose `modules.json` says what follows the encoder.
  ///
  /// All parameters are frozen. Tensors of heads are passed over.
  ///
  /// - Parameters:
  ///   - directory: the folder.
  ///   - precision: how the weights of linear layers are kept; nil for as the folder has them.
  ///   - loading: what to do with unknown fields of the configuration.
  /// - Throws: `CheckpointError` for a family that is no encoder, another pooling than the mean, a field with a value that is not
  ///   supported, and tensors that are missing, unexpected or of another shape.
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
    let pooling = try SentencePooling(folder.origin.folder)
    let source = folder.parameters(body: "")
    let poolers = ["", folder.configuration.names.body + "."].map {
      "\($0)\(Self.poolerName).weight"
    }
    let stored = Set(folder.checkpoint.names)
    try self.init(
      folder.configuration, from: source, normalizes: pooling.normalizes,
      hasPooler: poolers.contains { stored.contains($0) }, precision: precision)
    try folder.requireEverythingRead(source)
    origin = folder.origin
  }

  /// `FEATURE_EXTRACTION`.
  public var taskType: String? { "FEATURE_EXTRACTION" }
  /// The class in Transformers.
  public var architecture: String? { configuration.className + "Model" }
  /// The model below the mean.
  public var body: any PromptedStack { encoder }
  /// There is no head that would be spared.
  public func precision(of layer: Linear, _ wanted: Precision) -> Precision { wanted }
  /// What this keeps, by its names in checkpoints.
  public var members: Members { ["": encoder, Self.poolerName: pooler] }

  /// Whether the forward pass can take these tokens; it stops the program where it cannot.
  ///
  /// - Parameter rows: tokens.
  /// - Throws: `ModelError` for the first thing that is wrong.
  /// - Complexity: linear in the number of tokens.
  public func check(_ rows: TokenRows) throws(ModelError) {
    try configuration.check(rows, encoder.virtual)
  }

  /// The vector of every row; the dot product of two of length one is their cosine.
  ///
  /// Nothing is computed for padding. Stops the program where `check` throws.
  ///
  /// - Parameters:
  ///   - rows: tokens.
  ///   - isTraining: whether dropout is active.
  /// - Returns: `[B, D]`.
  public func callAsFunction(_ rows: TokenRows, isTraining: Bool = false) -> Tensor {
    let hidden = encoder.states(rows, configuration, dropout: isTraining ? dropoutKeys : nil)
    let means = SequencePooling.mean(hidden, encoder.finished).vectors
    guard normalizes else { return means }
    // The root mean square of a vector of length one is the inverse root of its width.
    let width = means.columns
    let unit = Tensor(repeating: 1 / Float(width).squareRoot(), shape: [width])
    return means.rmsNorm(weight: unit, epsilon: 1e-24)
  }

  /// The vector of some fixed tokens.
  public func probeOutput() -> Tensor {
    withoutGradients { self(TokenRows(ids: configuration.probeTokens(encoder.virtual))) }
  }
}
