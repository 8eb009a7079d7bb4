import PEFTCheckpoints
import PEFTJSON
import PEFTTransformer

/// What a model is used for.
enum ModelTask: String, CaseIterable {
  case causalLM = "causal-lm"
  case sequenceClassification = "sequence-classification"
  case imageClassification = "image-classification"

  /// The option it is read from.
  static let option = Option(
    "task", "NAME", default: "what the model is for",
    "causal-lm; sequence-classification: texts or pairs of texts with a label; or image-classification: "
      + "a folder with a folder of PNG and JPEG files for each class, or an IDX file of pictures.")

  /// The classes of a classifier.
  static let labels = Option(
    "labels", "LIST", default: "those of the adapter, the model or the data",
    "The names of the classes of a classifier, between commas, in the order of their numbers.")

  /// The task that is asked for, or that of a model folder by its head and family.
  static func read(_ arguments: Arguments) throws -> ModelTask {
    if let task = try arguments.choice("task", ModelTask.self) { return task }
    let path = try ModelFolder.path(arguments)
    try ModelFolder.requireModel(path)
    for task in allCases where try task.hasHead(path) { return task }
    let file = try ConfigurationFile(path: "\(path)/config.json")
    switch file.value("model_type")?.string {
    case "bert", "roberta", "distilbert": return .sequenceClassification
    case "vit": return .imageClassification
    default: return .causalLM
    }
  }

  /// The classes of the head of the task in a model folder; nil where it has none that can be used.
  func labels(_ path: String) throws -> [String]? {
    guard try hasHead(path) else { return nil }
    let file = try ConfigurationFile(path: "\(path)/config.json")
    let kind = file.value("problem_type")?.string ?? "single_label_classification"
    return kind == "single_label_classification" ? try file.labels() : nil
  }

  /// Whether a model folder has the head of a classifier of the task.
  func hasHead(_ path: String) throws -> Bool {
    let suffix =
      switch self {
      case .causalLM: "ForCausalLM"
      case .sequenceClassification: "ForSequenceClassification"
      case .imageClassification: "ForImageClassification"
      }
    let names = try ConfigurationFile(path: "\(path)/config.json").value("architectures")?.elements
    return names?.contains { $0.string?.hasSuffix(suffix) == true } ?? false
  }
}
