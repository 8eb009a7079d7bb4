import PEFTCheckpoints
import PEFTJSON

/// A folder with the checkpoint of a model of whatever task, opened.
struct PretrainedFolder {
  let configuration: TransformerConfiguration
  let checkpoint: Checkpoint
  let origin: ModelOrigin
  /// Whether weights are read each time they are used.
  private let isStreamed: Bool
  private let file: ConfigurationFile
  private let family: any ModelFamily.Type

  init(
    _ directory: String, _ loading: ModelLoading, readsImages: Bool = false,
    isStreamed: Bool = false
  ) throws(CheckpointError) {
    self.isStreamed = isStreamed
    file = try ConfigurationFile(path: "\(directory)/config.json")
    (configuration, family) = try ModelFamilies.read(file, loading)
    guard (configuration.images != nil) == readsImages else {
      throw file.unsupported(
        "model_type",
        hint: readsImages
          ? "it reads no pictures; load it as SequenceClassifier or SentenceEncoder"
          : "it reads pictures; load it as ImageClassifier or ImageEmbedder")
    }
    checkpoint = try Checkpoint(folder: directory)
    origin = ModelOrigin(folder: directory, json: .object(file.members))
  }

  /// The parameters in the folder, of a model with these settings; see `CheckpointParameters`.
  func parameters(
    _ configuration: TransformerConfiguration? = nil, body: String? = nil, seed: UInt64 = 0,
    isMade: @escaping (_ path: String, _ isStored: Bool) -> Bool = { _, _ in false }
  ) -> CheckpointParameters {
    CheckpointParameters(
      checkpoint, configuration ?? self.configuration, body: body, seed: seed,
      isStreamed: isStreamed, isMade: isMade)
  }

  /// Where a model comes from whose parameters were read from a source of this folder.
  func origin(_ source: CheckpointParameters) -> ModelOrigin {
    var origin = origin
    origin.newModules = source.newModules
    return origin
  }

  /// Refuses families that are no encoders.
  func requireEncoder() throws(CheckpointError) {
    guard !configuration.isCausal else {
      throw file.unsupported(
        "model_type", hint: "it is no encoder; load it as CausalLM or SequenceClassifier")
    }
  }

  /// Refuses tensors that belong neither to the model nor to a head of the family.
  func requireEverythingRead(_ source: CheckpointParameters) throws(CheckpointError) {
    try source.requireEverythingRead { family.isBuffer($0) || family.isHead($0) }
  }

  /// The classes of the head in the folder; refuses heads that are trained with another loss than the cross-entropy of one label a row.
  func labels() throws(CheckpointError) -> [String] {
    let kind = try file.optionalString("problem_type")
    guard kind ?? "single_label_classification" == "single_label_classification" else {
      throw file.unsupported(
        "problem_type", hint: "only single_label_classification is supported")
    }
    let labels = configuration.labels.isEmpty ? try file.labels() : configuration.labels
    guard labels.count > 1 else {
      throw file.unsupported(
        file.has("id2label") ? "id2label" : "num_labels",
        hint: "one label means regression; two or more are supported")
    }
    return labels
  }
}
