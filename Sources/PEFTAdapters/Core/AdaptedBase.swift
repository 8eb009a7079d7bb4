internal import Foundation
package import PEFTCheckpoints
import PEFTJSON
package import PEFTTransformer

/// The base of an adapter, as the model of the task that the adapter was made for.
package enum AdaptedBase {
  /// Opens the folder of a base without taking memory for its weights.
  ///
  /// - Parameters:
  ///   - base: the folder of the model.
  ///   - folder: the folder of the adapter, of PEFT or MLX.
  ///   - labels: what the classes of a classifier are called; nil where nobody says.
  ///   - addedTokens: how many tokens a language model has at least more than its folder; the adapter may have rows for more.
  /// - Returns: the model, without the adapter.
  /// - Throws: `CheckpointError` where the settings or the header of the adapter cannot be read, or the base is none for its task.
  package static func open(
    _ base: String, adapter folder: String, labels: [String]? = nil, addedTokens: Int = 0
  ) throws(CheckpointError) -> any StreamedModel {
    if isMLX(folder) { return try CausalLM(streaming: base) }
    try refusePickle(folder)
    let settings = try ConfigurationFile(path: "\(folder)/adapter_config.json")
    let task = try settings.optionalString("task_type")
    let shapes = try shapes(folder)
    // A table may be filled up to a round number of rows.
    let added = max(addedTokens, try Self.addedTokens(settings, shapes, base))
    return try TaskModel(task: task, shapes: shapes, labels: labels, addedTokens: added).open(base)
  }

  /// How many tokens more than the base an adapter has rows for, whole tables or some of their rows.
  ///
  /// - Parameters:
  ///   - base: the folder of a language model.
  ///   - folder: the folder of an adapter of PEFT.
  /// - Returns: the number, 0 for a table of the size of the base's.
  /// - Throws: `CheckpointError` where one of them cannot be read.
  package static func addedTokens(
    _ base: String, adapter folder: String
  ) throws(CheckpointError) -> Int {
    try addedTokens(
      ConfigurationFile(path: "\(folder)/adapter_config.json"), shapes(folder), base)
  }

  /// The shapes of what an adapter has, by the paths in its base.
  private static func shapes(_ folder: String) throws(CheckpointError) -> [String: [Int]] {
    let file = try SafetensorsFile(path: "\(folder)/adapter_model.safetensors")
    var shapes: [String: [Int]] = [:]
    for entry in file.entries {
      // Methods with virtual tokens have the shorter prefix.
      let prefix = [AdapterFile.prefix, "base_model."].first { entry.name.hasPrefix($0) } ?? ""
      shapes[String(entry.name.dropFirst(prefix.count))] = entry.shape
    }
    return shapes
  }

  private static func addedTokens(
    _ settings: ConfigurationFile, _ shapes: [String: [Int]], _ base: String
  ) throws(CheckpointError) -> Int {
    let configuration = try ConfigurationFile(path: "\(base)/config.json")
    guard let size = configuration.value("vocab_size")?.integer else { return 0 }
    var needed = 0
    for (path, shape) in shapes where shape.count == 2 && !path.contains("lora_") {
      if ["wte", "embed_tokens", "lm_head"].contains(where: {
        path.hasSuffix("\($0).weight") || path.hasSuffix("\($0).base_layer.weight")
      }) {
        needed = max(needed, shape[0])
      }
    }
    for name in ["trainable_token_indices", "token_indices"] {
      let value = settings.value(name)
      let lists = value?.members?.map(\.value) ?? [value].compactMap { $0 }
      for id in lists.flatMap({ $0.elements ?? [] }).compactMap(\.integer) {
        needed = max(needed, id < 1 << 24 ? id + 1 : 0)
      }
    }
    // A number that a file makes up must not exhaust the memory.
    return needed - size < 1 << 20 ? max(0, needed - size) : 0
  }

  /// Whether a folder holds an adapter of MLX.
  package static func isMLX(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(folder)/adapters.safetensors")
  }
}
