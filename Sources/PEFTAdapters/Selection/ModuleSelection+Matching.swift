extension Targets {
  /// The usual targets of a family: PEFT's table.
  static func usual(for modelType: String) -> [String]? {
    switch modelType {
    case "gpt2": ["c_attn"]
    case "llama", "mistral", "qwen2", "qwen3", "gemma": ["q_proj", "v_proj"]
    // Not in the table: what holds these two there.
    case "phi3": ["qkv_proj"]
    case "bert", "roberta": ["query", "value"]
    case "distilbert": ["q_lin", "v_lin"]
    // PEFT has none, and reads these.
    case "vit": ["q_proj", "v_proj"]
    default: nil
    }
  }

  /// The same as names or a pattern, which mean the same for any program that reads them.
  ///
  /// - Parameters:
  ///   - setting: for the error.
  ///   - modelType: the family.
  ///   - usual: what `.attention` means; nil where the family has no usual targets.
  ///   - allLinear: the paths that `.allLinear` means.
  /// - Returns: `.names` or `.pattern`.
  /// - Throws: `AdapterError.invalidSetting` for `.attention` in a family without usual targets.
  func spelledOut(
    _ setting: String, modelType: String, usual: [String]?, allLinear: [String]
  ) throws(AdapterError) -> Targets {
    switch self {
    case .names, .pattern, .none: return self
    case .allLinear: return .names(allLinear)
    case .attention:
      guard let names = usual else {
        throw .invalidSetting(
          setting, expected: "names of modules, since the family \(modelType) has no usual ones",
          found: "attention")
      }
      return .names(names)
    }
  }
}

/// A selection made ready to ask about paths, by the rules of Hugging Face PEFT.
struct Selector {
  private let selection: ModuleSelection
  private let target: (String) -> Bool
  private let excludes: (String) -> Bool
  private let saved: [PathPattern]
  private let indexPatterns: [PathPattern]

  /// Reads the patterns of a selection whose targets are names or patterns.
  init(_ selection: ModuleSelection) throws(AdapterError) {
    self.selection = selection
    target = try Self.predicate(selection.targets, "target_modules")
    excludes =
      if let excluded = selection.excluded {
        try Self.predicate(excluded, "exclude_modules")
      } else { { _ in false } }
    var saved: [PathPattern] = []
    for name in selection.modulesToSave {
      saved.append(try PathPattern(#"(^|.*\.)\#(name)($|\..*)"#, setting: "modules_to_save"))
    }
    self.saved = saved
    let patterns =
      selection.layersPattern.isEmpty
      ? [#".*?\.[^.]*\.(?P<idx>\d+)\."#]
      : selection.layersPattern.map { #"(?:^|.*?\.)\#($0)\.(?P<idx>\d+)\."# }
    var compiled: [PathPattern] = []
    for pattern in patterns {
      compiled.append(try PathPattern(pattern, setting: "layers_pattern"))
    }
    indexPatterns = compiled
  }

  /// What a path is to the selection; exclusions come first.
  func verdict(_ path: String) -> SelectionVerdict {
    if excludes(path) { return .excluded }
    if saved.contains(where: { $0.matchesStart(of: path) }) { return .saved }
    guard target(path) else { return .other }
    guard let layers = selection.layersToTransform, !layers.isEmpty else { return .selected }
    switch selection.targets {
    case .pattern: return .selected
    // A whole path is meant as it stands, whatever the layers.
    case .names(let names) where names.contains(path): return .selected
    case .names, .allLinear, .attention, .none: break
    }
    return layer(of: path).map(layers.contains) ?? false ? .selected : .other
  }

  /// Whether the targets alone, without exclusions and layers, select a path.
  func isTarget(_ path: String) -> Bool { target(path) }

  /// The index of the layer that a path stands in, by the first pattern that finds one.
  func layer(of path: String) -> Int? {
    indexPatterns.lazy.compactMap { $0.index(in: path) }.first
  }

  /// The layer patterns that find no index in any of these paths.
  func deadLayersPatterns(among paths: [String]) -> [String] {
    zip(selection.layersPattern, indexPatterns).filter { _, pattern in
      !paths.contains { pattern.index(in: $0) != nil }
    }.map(\.0)
  }

  private static func predicate(
    _ targets: Targets, _ setting: String
  ) throws(AdapterError) -> (String) -> Bool {
    switch targets {
    case .pattern(let pattern):
      let pattern = try PathPattern(pattern, setting: setting)
      return { pattern.matchesAll(of: $0) }
    case .names(let names): return { path in names.contains { path.isPath(of: $0) } }
    case .none: return { _ in false }
    case .allLinear, .attention:
      preconditionFailure("Selector: \(targets) has to be spelled out first")
    }
  }
}

/// Values by pattern, made ready to ask about paths.
struct PatternTable<Value: Sendable & Hashable> {
  private let entries: [(pattern: PathPattern, value: Value)]

  init(_ values: [PatternValue<Value>], setting: String) throws(AdapterError) {
    var entries: [(PathPattern, Value)] = []
    for value in values {
      entries.append(
        (try PathPattern(#"(.*\.)?(\#(value.pattern))$"#, setting: setting), value.value))
    }
    self.entries = entries
  }

  /// The value of the first pattern that matches.
  func value(_ path: String) -> Value? {
    entries.first { $0.pattern.matchesStart(of: path) }?.value
  }

  /// The places of the patterns that match none of these paths.
  func dead(among paths: [String]) -> [Int] {
    entries.indices.filter { index in
      !paths.contains { entries[index].pattern.matchesStart(of: $0) }
    }
  }
}
