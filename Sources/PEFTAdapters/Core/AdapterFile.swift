internal import Foundation

/// The names in an adapter file.
enum AdapterFile {
  /// What PEFT puts before the path of every module.
  static let prefix = "base_model.model."

  /// What a method's files have before the paths of modules that are trained as a whole.
  static func copyPrefix(_ method: any AdapterMethod) -> String {
    (type(of: method) as? any StoredMethod.Type)?.copyPrefix ?? prefix
  }

  /// Holds what a training needs beside the adapter itself; PEFT does not read it.
  static let trainingFile = "adapter_training.safetensors"

  /// Whether there is a file for the training in the folder of another file.
  static func hasTrainingFile(beside path: String) -> Bool {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    return FileManager.default.fileExists(atPath: folder.appendingPathComponent(trainingFile).path)
  }

  /// The name of a tensor beside a module.
  static func name(_ tensor: String, at path: String) -> String { "\(prefix)\(path).\(tensor)" }

  /// The weight of a module of the base, where it stands beside an adapter.
  static func baseKey(_ path: String) -> String { path + ".base_layer.weight" }

  /// The name in a model: that of a file with the name of the adapter after its first word, as in PEFT.
  static func memberName(_ tensor: String, _ adapterName: String) -> String {
    var words = tensor.split(separator: ".").map(String.init)
    words.insert(adapterName, at: min(1, words.count))
    return words.joined(separator: ".")
  }
}
