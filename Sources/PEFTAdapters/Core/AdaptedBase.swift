internal import Foundation
package import PEFTCheckpoints
package import PEFTTransformer

/// The base of an adapter, as the model of the task that the adapter was made for.
package enum AdaptedBase {
  /// Opens the folder of a base without taking memory for its weights.
  ///
  /// - Parameters:
  ///   - base: the folder of the model.
  ///   - folder: the folder of the adapter, of PEFT or MLX.
  ///   - labels: what the classes of a classifier are called; nil where nobody says.
  /// - Returns: the model, without the adapter.
  /// - Throws: `CheckpointError` where the settings or the header of the adapter cannot be read, or the base is none for its task.
  package static func open(
    _ base: String, adapter folder: String, labels: [String]? = nil
  ) throws(CheckpointError) -> any StreamedModel {
    if isMLX(folder) { return try CausalLM(streaming: base) }
    try refusePickle(folder)
    let settings = try ConfigurationFile(path: "\(folder)/adapter_config.json")
    let task = try settings.optionalString("task_type")
    let file = try SafetensorsFile(path: "\(folder)/adapter_model.safetensors")
    var shapes: [String: [Int]] = [:]
    for entry in file.entries {
      // Methods with virtual tokens have the shorter prefix.
      let prefix = [AdapterFile.prefix, "base_model."].first { entry.name.hasPrefix($0) } ?? ""
      shapes[String(entry.name.dropFirst(prefix.count))] = entry.shape
    }
    return try TaskModel(task: task, shapes: shapes, labels: labels).open(base)
  }

  /// Whether a folder holds an adapter of MLX.
  package static func isMLX(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(folder)/adapters.safetensors")
  }
}
