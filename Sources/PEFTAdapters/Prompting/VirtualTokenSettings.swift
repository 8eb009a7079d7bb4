import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTransformer

/// What the methods have in common that put virtual tokens before the tokens.
enum VirtualTokenSettings {
  /// Refuses sizes out of range; the limit keeps those that a file makes up from exhausting the memory.
  static func check(_ virtualTokens: Int, hiddenSize: Int? = nil) throws(AdapterError) {
    let limits = 1...65_536
    if !limits.contains(virtualTokens) {
      throw .invalidSetting(
        "num_virtual_tokens", expected: "a number from 1 to 65536", found: "\(virtualTokens)")
    }
    if let hiddenSize, !limits.contains(hiddenSize) {
      throw .invalidSetting(
        "encoder_hidden_size", expected: "a number from 1 to 65536", found: "\(hiddenSize)")
    }
  }

  /// Refuses more virtual tokens than there are learned positions to spare.
  static func checkPositions(
    _ virtualTokens: Int, _ host: any AdapterHost
  ) throws(AdapterError) {
    guard let configuration = (host as? any PretrainedModel)?.configuration,
      configuration.positions == .learned, virtualTokens >= configuration.usablePositions
    else { return }
    throw .invalidSetting(
      "num_virtual_tokens",
      expected: "fewer than the \(configuration.usablePositions) positions of the model",
      found: "\(virtualTokens)")
  }

  /// Reads `num_virtual_tokens`, and passes over what is known from the model.
  static func read(_ file: ConfigurationFile) throws(CheckpointError) -> Int {
    file.ignore([
      "auto_mapping", "base_model_name_or_path", "revision", "task_type", "inference_mode",
      "peft_type", "peft_version", "token_dim", "num_layers", "num_attention_heads",
    ])
    try file.refuse([("num_transformer_submodules", .integer(1))])
    return try file.positiveInteger("num_virtual_tokens", default: 20)
  }

  /// Reads `modules_to_save`; PEFT writes the head of a classifier twice.
  static func modulesToSave(_ file: ConfigurationFile) throws(CheckpointError) -> [String] {
    var names: [String] = []
    for name in try file.optionalStringArray("modules_to_save") ?? []
    where !names.contains(name) { names.append(name) }
    return names
  }

  /// Whether there is an encoder: a folder has one in the file for the training, settings for a new adapter, which are not
  /// `inference_mode`, ask for one.
  static func hasEncoder(_ file: ConfigurationFile) throws(CheckpointError) -> Bool {
    let isFolder = try file.bool("inference_mode", default: false)
    return !isFolder || AdapterFile.hasTrainingFile(beside: file.path)
  }

  /// Refuses an encoder whose output is not what is stored beside it, as after one of the two files was exchanged.
  static func checkEncoder(
    _ stored: Tensor?, path: String, _ made: () -> Tensor
  ) throws(AdapterError) {
    guard let stored else { return }
    let made = withoutGradients(made)
    let largest = stored.array.reduce(0) { max($0, abs($1)) }
    let isClose =
      made.shape == stored.shape
      && zip(made.array, stored.array).allSatisfy { abs($0 - $1) <= 1e-3 * largest }
    if isClose { return }
    throw .wrongState(
      "\(path): its encoder does not make the prompt in adapter_model.safetensors; remove it to go on without "
        + "the encoder")
  }
}

extension StorageContext {
  /// The fields that the configurations of the methods have that put a prompt before the tokens.
  func promptFields(
    type: String, _ virtualTokens: Int, _ modulesToSave: [String]
  ) -> [JSON.Member] {
    let configuration = (adapter.host as? any PretrainedModel)?.configuration
    return virtualTokenFields(
      type: type, virtualTokens, layers: configuration?.layers ?? 0,
      heads: configuration?.heads ?? 0, width: configuration?.width ?? 0,
      modulesToSave: modulesToSave)
  }

  /// The fields that the configurations of these methods have.
  func virtualTokenFields(
    type: String, _ virtualTokens: Int, layers: Int, heads: Int, width: Int,
    modulesToSave: [String]
  ) -> [JSON.Member] {
    [
      .init("auto_mapping", .null),
      .init("base_model_name_or_path", baseModel.map(JSON.string) ?? .null),
      .init("inference_mode", .bool(true)),
      .init("modules_to_save", .names(modulesToSave)),
      .init("num_attention_heads", .integer(heads)),
      .init("num_layers", .integer(layers)),
      .init("num_transformer_submodules", .integer(1)),
      .init("num_virtual_tokens", .integer(virtualTokens)),
      .init("peft_type", .string(type)),
      .init("peft_version", .string(Self.writtenVersion)),
      .init("revision", .null),
      .init("task_type", taskType.map(JSON.string) ?? .null),
      .init("token_dim", .integer(width)),
    ]
  }
}

extension Adapter {
  /// What is trained as a whole, by the names in the file.
  func storedCopies(_ prefix: String) -> [(name: String, value: Tensor)] {
    copies.filter(\.isTrained).map { (prefix + $0.key, $0.copy.value) }
  }
}

extension [String: Tensor] {
  /// Adds weight `[M, N]` and bias of a linear layer as PyTorch starts them: uniform in `+-1 / sqrt(N)`.
  mutating func addLinear(_ name: String, _ shape: [Int], _ generator: inout Generator) {
    let bound = 1 / Float(shape[1]).squareRoot()
    self["\(name).weight"] = Tensor(uniform: -bound..<bound, shape: shape, using: &generator)
    self["\(name).bias"] = Tensor(uniform: -bound..<bound, shape: [shape[0]], using: &generator)
  }
}
