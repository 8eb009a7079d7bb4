package import PEFTCheckpoints
import PEFTJSON

/// The model of a folder for what an adapter was made for, opened without memory for its weights.
package struct TaskModel {
  /// The task of the adapter, as PEFT calls it; nil where it does not say.
  package var task: String?
  /// The parameters that the adapter has whole, by their paths, and the modules that it changes, with any shape.
  package var shapes: [String: [Int]]
  /// What the classes are called; nil where nobody says.
  package var labels: [String]?
  /// How many tokens a language model has more than its folder.
  package var addedTokens = 0

  /// What is known of an adapter.
  package init(
    task: String?, shapes: [String: [Int]], labels: [String]? = nil, addedTokens: Int = 0
  ) {
    (self.task, self.shapes, self.labels) = (task, shapes, labels)
    self.addedTokens = addedTokens
  }

  /// Opens a folder.
  ///
  /// The head of a classifier is that of the folder where the adapter brings none or one of the same size, and else a new one of the
  /// adapter's size.
  ///
  /// - Parameter folder: of the base.
  /// - Returns: the model.
  /// - Throws: `CheckpointError` where it cannot be opened for this task.
  package func open(_ folder: String) throws(CheckpointError) -> any StreamedModel {
    let file = try ConfigurationFile(path: "\(folder)/config.json")
    let (configuration, _) = try ModelFamilies.read(file, .strict)
    let body = configuration.names.body + "."
    // Prompts and heads do not tell.
    let paths = shapes.keys.filter { path in
      path.contains(".") && !["classifier.", "score."].contains { path.hasPrefix($0) }
    }
    let isBare = !paths.isEmpty && !paths.contains { $0.hasPrefix(body) }
    if configuration.images != nil {
      let opened = try PretrainedFolder(folder, .strict, readsImages: true, isStreamed: true)
      return try isBare
        ? ImageEmbedder(opened) : ImageClassifier(opened, newLabels(opened.checkpoint))
    }
    let opened = try PretrainedFolder(folder, .strict, isStreamed: true)
    switch task ?? Self.task(file, isCausal: configuration.isCausal, isBare: isBare) {
    case "SEQ_CLS": return try SequenceClassifier(opened, newLabels(opened.checkpoint))
    case "TOKEN_CLS": return try TokenClassifier(opened, newLabels(opened.checkpoint))
    case "FEATURE_EXTRACTION": return try SentenceEncoder(opened)
    case "MASKED_LM": return try MaskedLM(opened)
    default: return try CausalLM(streaming: folder, addedTokens: addedTokens)
    }
  }

  /// The task of a folder by its class in Transformers; masked language models are one that PEFT has no word for.
  private static func task(
    _ file: ConfigurationFile, isCausal: Bool, isBare: Bool
  ) -> String? {
    let names = file.value("architectures")?.elements?.compactMap(\.string) ?? []
    func has(_ suffix: String) -> Bool { names.contains { $0.hasSuffix(suffix) } }
    if has("ForSequenceClassification") { return "SEQ_CLS" }
    if isCausal { return nil }
    if isBare { return "FEATURE_EXTRACTION" }
    return has("ForTokenClassification") ? "TOKEN_CLS" : "MASKED_LM"
  }

  /// The classes of a new head; nil for the head of the checkpoint.
  private func newLabels(_ checkpoint: Checkpoint) -> [String]? {
    let heads = ["score.weight", "classifier.weight", "classifier.out_proj.weight"]
    let head = heads.compactMap { name in shapes[name].map { (name, $0) } }.first
    // A number that a file makes up must not exhaust the memory.
    guard let (name, shape) = head, let count = shape.first, (1...1_000_000).contains(count) else {
      return nil
    }
    if let labels, labels.count == count { return labels }
    if checkpoint[name]?.shape.first == count { return nil }
    return (0..<count).map { "LABEL_\($0)" }
  }
}
