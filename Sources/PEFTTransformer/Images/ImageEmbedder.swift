public import PEFTCheckpoints
public import PEFTTensor

/// An encoder of pictures without a head: what it makes of every patch, and of a picture as a whole.
///
/// Module paths are those of Hugging Face's `ViTModel` in memory, without a prefix. A model is used from one isolation at a time.
public final class ImageEmbedder: PretrainedModel {
  /// What the model was built from.
  public let configuration: TransformerConfiguration
  /// The blocks.
  public let encoder: ImageEncoder
  /// From the class token to the vector of a picture; nil where the model has none.
  public let pooler: Linear?
  /// Where the checkpoint came from; nil for a new model.
  public internal(set) var origin: ModelOrigin?
  /// What is attached.
  public let adapters = AdapterRegistry()
  /// Draws the masks of dropout in training.
  public var dropoutKeys = DropoutKeys(seed: 0)
  private let names: TransformerConfiguration.Names

  /// Builds a model whose parameters come from `source`.
  ///
  /// - Parameters:
  ///   - configuration: of a model that reads pictures.
  ///   - source: random numbers or a checkpoint.
  ///   - hasPooler: whether a map follows the class token.
  ///   - precision: how frozen weights of linear layers are kept; nil for as the source has them.
  /// - Throws: `CheckpointError` where the source lacks a parameter or has it in another shape.
  public init(
    _ configuration: TransformerConfiguration, from source: any ParameterSource,
    hasPooler: Bool = true, precision: Precision? = nil
  ) throws(CheckpointError) {
    self.configuration = configuration
    var bare = configuration
    bare.names.body = ""
    names = bare.names
    encoder = try ImageEncoder(bare, from: source, precision: precision)
    let width = configuration.images?.poolerWidth ?? configuration.width
    pooler =
      hasPooler
      ? try TransformerBuilder(bare, source, precision)
        .linear(names.classifierDense, configuration.width, width, bias: true) : nil
  }

  /// Loads the folder of a bare `ViTModel`, or of one with a head, which is passed over.
  ///
  /// All parameters are frozen.
  ///
  /// - Parameters:
  ///   - directory: the folder.
  ///   - precision: how the weights of linear layers are kept; nil for as the folder has them.
  ///   - loading: what to do with unknown fields of the configuration.
  /// - Throws: `CheckpointError` for a family that reads no pictures, a field with a value that is not supported, and tensors that are
  ///   missing, unexpected or of another shape.
  public convenience init(
    directory: String, precision: Precision? = nil, _ loading: ModelLoading = .strict
  ) throws(CheckpointError) {
    try self.init(
      PretrainedFolder(directory, loading, readsImages: true), precision: precision)
  }

  /// Loads an opened folder.
  convenience init(
    _ folder: PretrainedFolder, precision: Precision? = nil
  ) throws(CheckpointError) {
    let source = folder.parameters(body: "")
    let names = folder.configuration.names
    let pooler = "\(names.classifierDense).weight"
    let stored = folder.checkpoint.names
    try self.init(
      folder.configuration, from: source,
      hasPooler: stored.contains(pooler) || stored.contains("\(names.body).\(pooler)"),
      precision: precision)
    try folder.requireEverythingRead(source)
    origin = folder.origin
  }

  /// `ViTModel`.
  public var architecture: String? { configuration.className + "Model" }
  /// There is no head that would be spared.
  public func precision(of layer: Linear, _ wanted: Precision) -> Precision { wanted }
  /// Computes the inside of every block again in the backward pass instead of keeping it.
  public var checkpointsActivations: Bool {
    get { encoder.checkpointsActivations }
    set { encoder.checkpointsActivations = newValue }
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members { ["": encoder, names.classifierDense: pooler] }

  /// Whether the forward pass can take these pictures; it stops the program where it cannot.
  ///
  /// - Parameter pixels: pictures.
  /// - Throws: `ModelError` for the first thing that is wrong.
  public func check(_ pixels: PixelBatch) throws(ModelError) {
    try configuration.check(pixels, interpolates: encoder.interpolatesPositions)
  }

  /// The hidden states of the class token and of every patch, after the last norm.
  ///
  /// Stops the program where `check` throws.
  ///
  /// - Parameters:
  ///   - pixels: pictures.
  ///   - isTraining: whether dropout is active.
  /// - Returns: `[B, 1 + patches, D]`, with the places of a prompt before each sequence.
  public func states(_ pixels: PixelBatch, isTraining: Bool = false) -> Tensor {
    encoder.norm(encoder.states(pixels, dropout: isTraining ? dropoutKeys : nil).states)
  }

  /// The vector of every picture: that of its class token, through the pooler where there is one.
  ///
  /// Stops the program where `check` throws.
  ///
  /// - Parameters:
  ///   - pixels: pictures.
  ///   - isTraining: whether dropout is active.
  /// - Returns: `[B, D]`, or as wide as the pooler is.
  public func callAsFunction(_ pixels: PixelBatch, isTraining: Bool = false) -> Tensor {
    let (states, context) = encoder.classStates(pixels, dropout: isTraining ? dropoutKeys : nil)
    guard let pooler else { return states }
    return pooler(states, context).activated(configuration.images?.poolerActivation ?? .tanh)
  }

  /// The vector of a fixed picture.
  public func probeOutput() -> Tensor {
    withoutGradients { self(configuration.probePixels) }
  }
}
