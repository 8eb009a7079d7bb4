public import PEFTCheckpoints
internal import PEFTJSON
public import PEFTTensor

/// The folder that a model was loaded from.
public struct ModelOrigin: Sendable {
  /// Its path.
  public let folder: String
  /// The fields of `config.json`, to write them again.
  let json: JSON
}

/// How strictly a model folder is read.
public enum ModelLoading: Sendable, Hashable {
  /// A field of `config.json` that is not known is an error, since it might change the maths.
  case strict
  /// Unknown fields are passed over.
  case ignoringUnknownFields
}

extension CausalLM {
  /// Loads a Hugging Face model folder: `config.json` and safetensors, sharded or not.
  ///
  /// Float32 weights stay in the mapped file until they are changed, weights in bitsandbytes' NF4 stay in four bits; others are
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
    let file = try ConfigurationFile(path: "\(directory)/config.json")
    let (configuration, family) = try ModelFamilies.read(file, loading)
    let checkpoint = try Checkpoint(folder: directory)
    let source = CheckpointParameters(checkpoint, configuration)
    try self.init(configuration, from: source, precision: precision)
    let head = "\(configuration.names.head).weight"
    try source.requireEverythingRead { name in
      family.isBuffer(name) || configuration.hasTiedHead && name == head
    }
    origin = ModelOrigin(folder: directory, json: .object(file.members))
  }
}

/// Frozen parameters from a checkpoint, which may leave out the name of the part below the head.
final class CheckpointParameters: ParameterSource {
  private let checkpoint: Checkpoint
  private let configuration: TransformerConfiguration
  private let removedPrefix: String?
  private var read: Set<String> = []

  init(_ checkpoint: Checkpoint, _ configuration: TransformerConfiguration) {
    self.checkpoint = checkpoint
    self.configuration = configuration
    let (body, tokens) = (configuration.names.body, configuration.names.tokens)
    // Checkpoints of the bare model, as the first ones of GPT-2, have no prefix.
    let names = Set(checkpoint.names)
    removedPrefix =
      !names.contains("\(body).\(tokens).weight") && names.contains("\(tokens).weight")
      ? body + "." : nil
  }

  func parameter(
    _ path: String, _ shape: [Int], _ initial: InitialValue
  ) throws(CheckpointError) -> Parameter {
    var name = path
    if let removedPrefix, path.hasPrefix(removedPrefix) {
      name = String(path.dropFirst(removedPrefix.count))
    }
    if shape.count == 2, NF4Weight.isStored(name, in: checkpoint) {
      // The matrix is stored as [outputs, inputs] whatever the layout of the layer.
      let isHead = path == "\(configuration.names.head).weight"
      let layout = isHead ? .outputInput : configuration.layout
      let weight = try NF4Weight(
        name, in: checkpoint, shape: layout == .outputInput ? shape : shape.reversed()
      ) { read.insert($0) }
      return Parameter(weight, layout)
    }
    read.insert(name)
    return Parameter(try checkpoint.tensor(name, shape: shape), isTrainable: false)
  }

  func requireEverythingRead(_ isKnown: (String) -> Bool) throws(CheckpointError) {
    let rest = checkpoint.names.filter { !read.contains($0) && !isKnown($0) }
    if !rest.isEmpty { throw .unexpectedTensors(path: checkpoint.path, tensors: rest) }
  }
}
