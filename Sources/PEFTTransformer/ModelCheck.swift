package import PEFTCheckpoints
import PEFTTensor

/// Finds everything that keeps a model folder from being loaded, not only the first thing.
package enum ModelCheck {
  /// Looks through a folder.
  ///
  /// - Parameter folder: holds a `config.json`.
  /// - Returns: what is wrong, and the model, which takes no memory for weights, where it could be built.
  /// - Throws: `CheckpointError` where nothing more can be seen than this.
  package static func check(
    _ folder: String
  ) throws(CheckpointError) -> (problems: [CheckpointError], model: (any PretrainedModel)?) {
    var problems: [CheckpointError] = []
    func note(_ body: () throws(CheckpointError) -> Void) {
      do throws(CheckpointError) { try body() } catch { problems.append(error) }
    }
    var read: (TransformerConfiguration, any ModelFamily.Type)?
    let path = "\(folder)/config.json"
    note { () throws(CheckpointError) in _ = try ConfigurationFile(path: path) }
    if problems.isEmpty {
      note { () throws(CheckpointError) in
        _ = try ModelFamilies.read(try ConfigurationFile(path: path), .strict)
      }
      // Fields that are not known do not hide what the others say.
      read = try? ModelFamilies.read(ConfigurationFile(path: path), .ignoringUnknownFields)
    }
    var checkpoint: Checkpoint?
    note { () throws(CheckpointError) in checkpoint = try Checkpoint(folder: folder) }
    guard let (configuration, family) = read, let checkpoint else { return (problems, nil) }
    guard configuration.isCausal else {
      // Which tensors there must be depends on what an encoder is loaded for.
      let folder = checkpoint.path
      var model: (any PretrainedModel)?
      do throws(CheckpointError) {
        if configuration.images == nil {
          model = try SentenceEncoder(directory: folder, .ignoringUnknownFields)
        } else if checkpoint["\(configuration.names.classifierOutput).weight"] != nil {
          model = try ImageClassifier(directory: folder, .ignoringUnknownFields)
        } else {
          model = try ImageEmbedder(directory: folder, .ignoringUnknownFields)
        }
      } catch {
        problems.append(error)
      }
      return (problems, model)
    }
    let source = CollectingParameters(
      CheckpointParameters(checkpoint, configuration, isStreamed: true))
    var model: (any PretrainedModel)?
    let isClassifier = checkpoint["\(configuration.names.classifierOutput).weight"] != nil
    note { () throws(CheckpointError) in
      guard isClassifier else { return model = try CausalLM(configuration, from: source) }
      var configuration = configuration
      configuration.labels = try ConfigurationFile(path: path).labels()
      model = try SequenceClassifier(configuration, from: source)
    }
    problems += source.problems
    let head = "\(configuration.names.head).weight"
    note { () throws(CheckpointError) in
      try source.inner.requireEverythingRead { name in
        family.isBuffer(name) || (configuration.hasTiedHead || isClassifier) && name == head
      }
    }
    return (problems, model)
  }
}

/// Parameters of a checkpoint; those that it lacks are empty ones, and what was wrong is kept.
private final class CollectingParameters: ParameterSource {
  let inner: CheckpointParameters
  private(set) var problems: [CheckpointError] = []

  init(_ inner: CheckpointParameters) { self.inner = inner }

  func parameter(
    _ path: String, _ shape: [Int], _ initial: InitialValue
  ) throws(CheckpointError) -> Parameter {
    do throws(CheckpointError) { return try inner.parameter(path, shape, initial) } catch {
      problems.append(error)
      return Parameter(StreamedTensor(shape) { Tensor(zeros: shape) })
    }
  }
}
