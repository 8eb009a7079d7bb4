public import PEFTCheckpoints
public import PEFTTensor

extension ImageClassifier {
  /// Loads a Hugging Face model folder: `config.json` and safetensors, sharded or not, with the names of either time.
  ///
  /// Weights stay in the mapped file or in four bits as `CausalLM(directory:)` says. All parameters are frozen. Tensors of other heads are
  /// passed over.
  ///
  /// - Parameters:
  ///   - directory: the folder; with `newLabels` also that of a bare `ViTModel`.
  ///   - newLabels: what the classes of a new head are called, which starts with random numbers; nil for the head in the folder.
  ///   - seed: chooses the random numbers of a new head.
  ///   - precision: how the weights of linear layers below the head are kept; nil for as the folder has them.
  ///   - loading: what to do with unknown fields of the configuration.
  /// - Throws: `CheckpointError` for a family that reads no pictures, a field with a value that is not supported, and tensors that are
  ///   missing, unexpected or of another shape.
  public convenience init(
    directory: String, newLabels: [String]? = nil, seed: UInt64 = 0,
    precision: Precision? = nil, _ loading: ModelLoading = .strict
  ) throws(CheckpointError) {
    try self.init(
      PretrainedFolder(directory, loading, readsImages: true), newLabels, seed: seed,
      precision: precision)
  }

  /// Loads an opened folder.
  convenience init(
    _ folder: PretrainedFolder, _ newLabels: [String]?, seed: UInt64 = 0,
    precision: Precision? = nil
  ) throws(CheckpointError) {
    var configuration = folder.configuration
    configuration.labels = if let newLabels { newLabels } else { try folder.labels() }
    let output = configuration.names.classifierOutput + "."
    let source = folder.parameters(configuration, seed: seed) { path, _ in
      newLabels != nil && path.hasPrefix(output)
    }
    try self.init(configuration, from: source, precision: precision)
    try folder.requireEverythingRead(source)
    origin = folder.origin(source)
  }
}
