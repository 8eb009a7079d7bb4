public import PEFTCheckpoints

extension TransformerConfiguration {
  /// Reads a `config.json`, to build a new model from it.
  ///
  /// - Parameters:
  ///   - path: the path of the file.
  ///   - loading: what to do with unknown fields.
  /// - Throws: `CheckpointError` for an unknown architecture and for a field with a value that is not supported.
  public init(path: String, _ loading: ModelLoading = .strict) throws(CheckpointError) {
    self = try ModelFamilies.read(ConfigurationFile(path: path), loading).0
  }
}
