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
  ///   - addedTokens: how many tokens the vocabulary has more than in the folder. Their rows of the table, and of a head that is not
  ///     tied, start near the mean of the others, the same for the same folder and number; train them with an adapter.
  ///   - precision: how the weights of linear layers are kept; nil for as the folder has them.
  ///   - loading: what to do with unknown fields of the configuration.
  /// - Throws: `CheckpointError` for an unknown architecture, a field with a value that is not supported, and tensors that
  ///   are missing, unexpected or of another shape.
  public convenience init(
    directory: String, addedTokens: Int = 0, precision: Precision? = nil,
    _ loading: ModelLoading = .strict
  ) throws(CheckpointError) {
    precondition(addedTokens >= 0, "CausalLM: \(addedTokens) added tokens")
    try self.init(
      directory: directory, addedTokens: addedTokens, precision: precision, loading,
      isStreamed: false)
  }

  /// Opens a Hugging Face model folder without taking memory for its weights: each is read from the file every time it is used.
  ///
  /// For work that goes through the weights one by one, as merging and checking. Weights in NF4 stay in memory, in four bits.
  ///
  /// - Parameters:
  ///   - directory: the folder.
  ///   - addedTokens: how many tokens the vocabulary has more than in the folder; tables with their rows are in memory.
  ///   - loading: what to do with unknown fields of the configuration.
  /// - Throws: `CheckpointError` as `init(directory:)`.
  public convenience init(
    streaming directory: String, addedTokens: Int = 0, _ loading: ModelLoading = .strict
  ) throws(CheckpointError) {
    precondition(addedTokens >= 0, "CausalLM: \(addedTokens) added tokens")
    try self.init(
      directory: directory, addedTokens: addedTokens, precision: nil, loading, isStreamed: true)
  }

  private convenience init(
    directory: String, addedTokens: Int = 0, precision: Precision?, _ loading: ModelLoading,
    isStreamed: Bool
  ) throws(CheckpointError) {
    let file = try ConfigurationFile(path: "\(directory)/config.json")
    var (configuration, family) = try ModelFamilies.read(file, loading)
    guard configuration.isCausal else {
      throw file.unsupported(
        "model_type",
        hint: configuration.images == nil
          ? "it is an encoder; load it as SequenceClassifier or SentenceEncoder"
          : "it reads pictures; load it as ImageClassifier or ImageEmbedder")
    }
    configuration.vocabularySize += addedTokens
    let added = addedTokens > 0 ? AddedTokens(count: addedTokens, seed: 0) : nil
    let source = CheckpointParameters(
      try Checkpoint(folder: directory), configuration, isStreamed: isStreamed, added: added)
    try self.init(configuration, from: source, precision: precision)
    let head = "\(configuration.names.head).weight"
    try source.requireEverythingRead { name in
      family.isBuffer(name) || configuration.hasTiedHead && name == head
    }
    let origin = ModelOrigin(folder: directory, json: .object(file.members))
    self.origin =
      added == nil ? origin : origin.with(vocabularySize: configuration.vocabularySize)
    addedTokenCount = addedTokens
  }
}
