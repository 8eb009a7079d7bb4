import PEFTCheckpoints
import PEFTJSON

/// What a model is used for.
enum ModelTask: String, CaseIterable {
  case causalLM = "causal-lm"
  case sequenceClassification = "sequence-classification"

  /// The option it is read from.
  static let option = Option(
    "task", "NAME", default: "what the model is for",
    "causal-lm, or sequence-classification: texts or pairs of texts with a label.")

  /// The classes of a classifier.
  static let labels = Option(
    "labels", "LIST", default: "those of the adapter, the model or the data",
    "The names of the classes of a classifier, between commas, in the order of their numbers.")

  /// The task that is asked for, or that of a model folder by its head and family.
  static func read(_ arguments: Arguments) throws -> ModelTask {
    if let task = try arguments.choice("task", ModelTask.self) { return task }
    let path = try ModelFolder.path(arguments)
    try ModelFolder.requireModel(path)
    if try hasClassifier(path) { return .sequenceClassification }
    let file = try ConfigurationFile(path: "\(path)/config.json")
    let type = file.value("model_type")?.string ?? ""
    return ["bert", "roberta", "distilbert"].contains(type) ? .sequenceClassification : .causalLM
  }

  /// Whether a model folder has the head of a classifier.
  static func hasClassifier(_ path: String) throws -> Bool {
    let names = try ConfigurationFile(path: "\(path)/config.json").value("architectures")?.elements
    return names?.contains { $0.string?.hasSuffix("ForSequenceClassification") == true } ?? false
  }
}
