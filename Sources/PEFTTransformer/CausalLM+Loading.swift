public import PEFTCheckpoints
internal import PEFTJSON
public import PEFTTensor

extension CausalLM {
  /// Loads a Hugging Face model folder: `config.json` and safetensors, sharded or not.
  ///
  /// Float32 weights stay in the mapped file until they are changed, weights in bitsandbytes' four or eight bits stay so; others are
  /// converted to float32. All parameters are frozen.
  ///
  /// - Parameters:
  ///   - directory: the folder.
  ///   - precision: how the weights of linear layers are kept; nil for as the folder has them.
  ///   - loading: what to do with unknown fields of the configuration.
  /// - Throws: `CheckpointError` for an unknown architecture, a field with a value that is not supported, and tensors that
  ///   are missing, unexpected or of another shape.
  public convenience init(
    directory: String, precision: Precision? = nil, _ loading: ModelLoading = .strict
  ) throws(CheckpointError) {
    try self.init(directory: directory, precision: precision, loading, isStreamed: false)
  }

  /// Opens a Hugging Face model folder without taking memory for its weights: each is read from the file every time it is used.
  ///
  /// For work that goes through the weights one by one, as merging and checking. Weights in NF4 stay in memory, in four bits.
  ///
  /// - Parameters:
  ///   - directory: the folder.
  ///   - loading: what to do with unknown fields of the configuration.
  /// - Throws: `CheckpointError` as `init(directory:)`.
  public convenience init(
    streaming directory: String, _ loading: ModelLoading = .strict
  ) throws(CheckpointError) {
    try self.init(directory: directory, precision: nil, loading, isStreamed: true)
  }

  private convenience init(
    directory: String, precision: Precision?, _ loading: ModelLoading, isStreamed: Bool
  ) throws(CheckpointError) {
    let file = try ConfigurationFile(path: "\(directory)/config.json")
    let (configuration, family) = try ModelFamilies.read(file, loading)
    guard configuration.isCausal else {
      throw file.unsupported(
        "model_type", hint: "it is an encoder; load it as SequenceClassifier or SentenceEncoder")
    }
    let source = CheckpointParameters(
      try Checkpoint(folder: directory), configuration, isStreamed: isStreamed)
    try self.init(configuration, from: source, precision: precision)
    let head = "\(configuration.names.head).weight"
    try source.requireEverythingRead { name in
      family.isBuffer(name) || configuration.hasTiedHead && name == head
    }
    origin = ModelOrigin(folder: directory, json: .object(file.members))
  }
}
