internal import PEFTCheckpoints
internal import PEFTTransformer

extension Targets {
  /// The usual targets of a family: PEFT's table.
  static func usual(for modelType: String) -> [String]? {
    switch modelType {
    case "gpt2": ["c_attn"]
    case "llama", "mistral", "qwen2": ["q_proj", "v_proj"]
    default: nil
    }
  }

  /// The entries of a list of names that end one of `paths`, each with how often.
  static func matches(_ name: String, _ path: String) -> Bool {
    path.utf8.elementsEqual(name.utf8) || path.hasSuffix("." + name)
  }
}

/// Regular expressions with Python's spelling, anchored as `re.fullmatch`.
struct FullMatch {
  private let regex: Regex<AnyRegexOutput>

  init(_ pattern: String, setting: String) throws(AdapterError) {
    do { regex = try Regex(pattern) } catch {
      throw .invalidPattern(setting: setting, pattern: pattern, reason: "\(error)")
    }
  }

  func callAsFunction(_ text: String) -> Bool {
    (try? regex.wholeMatch(in: text)) ?? nil != nil
  }

  /// The first group, where the whole text matches.
  func firstGroup(_ text: String) -> Substring? {
    guard let match = (try? regex.wholeMatch(in: text)) ?? nil, match.output.count > 1 else {
      return nil
    }
    return match.output[1].substring
  }
}

/// A selection made ready to ask about paths.
struct Selector {
  private let selection: ModuleSelection
  private let target: (String) -> Bool
  private let excludes: (String) -> Bool
  private let indexPatterns: [FullMatch]

  /// Reads the patterns of a selection; `allLinear` are the paths that `.allLinear` means.
  init(
    _ selection: ModuleSelection, modelType: String, allLinear: Set<String>
  ) throws(AdapterError) {
    self.selection = selection
    target = try Self.predicate(
      selection.targets, "target_modules", modelType: modelType, allLinear: allLinear)
    excludes =
      if let excluded = selection.excluded {
        try Self.predicate(
          excluded, "exclude_modules", modelType: modelType, allLinear: allLinear)
      } else { { _ in false } }
    let patterns =
      selection.layersPatterns.isEmpty
      ? [#".*?\.[^.]*\.(\d+)\..*"#]
      : selection.layersPatterns.map { #"(?:|.*?\.)\#($0)\.(\d+)\..*"# }
    var compiled: [FullMatch] = []
    for pattern in patterns {
      compiled.append(try FullMatch(pattern, setting: "layers_pattern"))
    }
    indexPatterns = compiled
  }

  func verdict(_ path: String) -> ModuleSelection.Verdict {
    if excludes(path) || isInsideSaved(path) { return .excluded }
    guard target(path) else { return .other }
    if case .pattern = selection.targets { return .selected }
    guard let layers = selection.layers, !layers.isEmpty else { return .selected }
    let index = indexPatterns.lazy.compactMap { $0.firstGroup(path) }.first.flatMap { Int($0) }
    return index.map(layers.contains) ?? false ? .selected : .other
  }

  private func isInsideSaved(_ path: String) -> Bool {
    let names = path.split(separator: ".")
    return selection.modulesToSave.contains { saved in
      let parts = saved.split(separator: ".")
      return names.indices.contains { names[$0...].starts(with: parts) }
    }
  }

  private static func predicate(
    _ targets: Targets, _ setting: String, modelType: String, allLinear: Set<String>
  ) throws(AdapterError) -> (String) -> Bool {
    switch targets {
    case .allLinear: return { allLinear.contains($0) }
    case .pattern(let pattern):
      let match = try FullMatch(pattern, setting: setting)
      return { match($0) }
    case .names(let names):
      return { path in names.contains { Targets.matches($0, path) } }
    case .attention:
      guard let names = Targets.usual(for: modelType) else {
        throw .invalidSetting(
          setting, expected: "names of modules, since the family \(modelType) has no usual ones",
          found: "attention")
      }
      return { path in names.contains { Targets.matches($0, path) } }
    }
  }
}

/// Values by pattern, made ready to ask about paths.
struct PatternTable<Value: Sendable & Hashable> {
  private let entries: [(match: FullMatch, value: Value)]

  init(_ values: [PatternValue<Value>], setting: String) throws(AdapterError) {
    var entries: [(FullMatch, Value)] = []
    for value in values {
      entries.append((try FullMatch(#"(.*\.)?(\#(value.pattern))"#, setting: setting), value.value))
    }
    self.entries = entries
  }

  /// The value of the first pattern that matches.
  func value(_ path: String) -> Value? { entries.first { $0.match(path) }?.value }

  /// The places of the patterns that match none of these paths.
  func dead(among paths: [String]) -> [Int] {
    entries.indices.filter { index in !paths.contains { entries[index].match($0) } }
  }
}
