import Foundation
import PEFTCheckpoints
import PEFTTraining

/// The folder that a command writes to.
enum OutputFolder {
  /// What is written.
  enum Content {
    case adapter
    /// An adapter, and the base that was changed for it.
    case adapterAndBase
    /// A model, with these files beside its weights.
    case model(tokenizer: [String])
    /// What a comparison of methods writes.
    case comparison

    fileprivate var name: String {
      switch self {
      case .adapter, .adapterAndBase: "an adapter"
      case .model: "a model"
      case .comparison: "a comparison"
      }
    }

    /// Whether a file of this name is replaced, or does no harm beside what is written.
    fileprivate func allows(_ file: String) -> Bool {
      if file.hasPrefix(".") || ["README.md", "LICENSE"].contains(file) { return true }
      if case .comparison = self {
      } else if TrainingCheckpoints.step(file) != nil || file == TrainingCheckpoints.bestName
        || TrainingLogs.names.contains(file) || AnomalyWatch.isFile(file)
        || file == "report.html"
      {
        return true
      }
      switch self {
      case .adapter:
        return [
          "adapter_config.json", "adapter_model.safetensors", "adapter_training.safetensors",
          ClassLabels.file,
        ].contains(file)
          || ModelFolder.tokenizerFiles.contains(file)
      case .adapterAndBase: return file == "base" || Self.adapter.allows(file)
      case .model(let tokenizer):
        return file == "config.json" || Checkpoint.isFile(file)
          || tokenizer.contains { $0 == file || $0.hasPrefix(file + "/") }
      case .comparison:
        return [
          "compare.svg", "data.jsonl", "held-out.jsonl", "logs", "results.json", "runs",
          "search.jsonl",
          "table.md", "validation.jsonl",
        ].contains(file)
      }
    }
  }

  /// Makes sure that what is saved in a folder would not be mixed with what it holds; nothing is changed.
  static func check(_ path: String, for content: Content) throws(CommandError) {
    if path.isEmpty { throw .unusable(path: "--output", reason: "is empty") }
    try refuseOthers(path, content)
  }

  /// Makes the folder after `check`, and writes a byte into it, so that one that cannot be written fails before the work
  /// and not after it.
  static func prepare(_ path: String, for content: Content) throws {
    try check(path, for: content)
    try makeFolder(path)
    let probe = "\(path)/.peft-\(ProcessInfo.processInfo.processIdentifier)"
    try atomicallyWrite([0], to: probe)
    try? FileManager.default.removeItem(atPath: probe)
  }

  /// The base is mapped into memory while it is used, so it cannot be written over.
  static func refuse(_ output: String, sameAs input: String) throws(CommandError) {
    let paths = [output, input].map {
      URL(fileURLWithPath: $0).resolvingSymlinksInPath().standardizedFileURL.path
    }
    if paths[0] == paths[1] {
      throw .unusable(path: output, reason: "is the folder of the base model; choose another")
    }
  }

  private static func refuseOthers(_ path: String, _ content: Content) throws(CommandError) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
    if !isFolder.boolValue {
      throw .unusable(path: path, reason: "is a file; --output names a folder")
    }
    let found = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    let others = found.filter { !content.allows($0) }.sorted()
    if others.isEmpty { return }
    let list = others.prefix(4).joined(separator: ", ")
    throw .unusable(
      path: path,
      reason:
        "holds \(list)\(others.count > 4 ? " and \(others.count - 4) more" : ""), which would be "
        + "mixed with \(content.name); choose another folder")
  }
}
