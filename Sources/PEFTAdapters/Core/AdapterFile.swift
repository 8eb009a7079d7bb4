/// The names in an adapter file.
enum AdapterFile {
  /// What PEFT puts before the path of every module.
  static let prefix = "base_model.model."

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
