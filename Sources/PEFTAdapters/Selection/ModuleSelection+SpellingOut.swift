import PEFTTensor
import PEFTTransformer

extension ModuleSelection {
  /// Refuses settings that contradict each other.
  func check() throws(AdapterError) {
    if modulesToSave.contains("") {
      throw .invalidSetting("modules_to_save", expected: "names of modules", found: "\"\"")
    }
    if layersToTransform?.isEmpty == false, case .pattern = targets {
      throw .invalidSetting(
        "layers_to_transform", expected: "absent, where target_modules is one pattern",
        found: "\(layersToTransform ?? [])")
    }
    if !layersPattern.isEmpty, layersToTransform == nil {
      throw .invalidSetting(
        "layers_pattern", expected: "absent without layers_to_transform", found: "\(layersPattern)")
    }
  }

  /// The same with targets as names, and with what `ensure_weight_tying` makes of them in PEFT.
  func spelledOut(
    _ model: any AdapterHost, _ modules: [Walk.NamedModule], usual: [String]?
  ) throws(AdapterError) -> ModuleSelection {
    let head = model.outputHead
    var allLinear = modules.filter { path, module in
      module is Linear && module !== head && !modulesToSave.contains(where: path.endsExactly)
    }.map(\.path)
    if targets == .allLinear, let layers = layersToTransform, !layers.isEmpty {
      // Whole paths are adapted whatever the layers, so that only those in the layers may be named.
      var indices = self
      indices.targets = .names([])
      let selector = try Selector(indices)
      allLinear = allLinear.filter { selector.layer(of: $0).map(layers.contains) ?? false }
    }
    var result = self
    result.targets = try targets.spelledOut(
      "target_modules", modelType: model.modelType, usual: usual, allLinear: allLinear)
    result.excluded = try excluded?.spelledOut(
      "exclude_modules", modelType: model.modelType, usual: usual, allLinear: allLinear)
    guard ensuresWeightTying, let tied = model.tiedHead(modules) else { return result }
    if modulesToSave.contains(where: Self.isEmbeddingName) {
      if !modulesToSave.contains(tied.embedding) { result.modulesToSave.append(tied.embedding) }
      var saved: [String] = []
      for name in result.modulesToSave {
        let pattern = try PathPattern(#"(^|.*\.)\#(name)($|\..*)"#, setting: "modules_to_save")
        if !pattern.matchesStart(of: tied.head) { saved.append(name) }
      }
      // PEFT leaves out the head, and would not tie it again from names that it does not know, as those of GPT-2.
      result.modulesToSave =
        saved.contains(where: Self.isEmbeddingName) ? saved : saved + [tied.head]
    } else if try result.targetsEmbeddingByName() {
      throw .invalidSetting(
        "ensure_weight_tying",
        expected: "false where a tied embedding is a target; modules_to_save can keep it tied",
        found: "true")
    }
    return result
  }

  /// Whether PEFT would call a name that of an embedding.
  static func isEmbeddingName(_ name: String) -> Bool {
    ["embed_tokens", "lm_head"].contains(name.lastName)
  }

  /// Whether the targets name an embedding by the names that PEFT knows.
  private func targetsEmbeddingByName() throws(AdapterError) -> Bool {
    switch targets {
    case .names(let names): return names.contains(where: Self.isEmbeddingName)
    case .pattern(let pattern):
      let pattern = try PathPattern(pattern, setting: "target_modules")
      return ["embed_tokens", "lm_head"].contains { pattern.matchesAll(of: $0) }
    case .allLinear, .attention, .none: return false
    }
  }
}

extension AdapterHost {
  /// The paths of the output head and of the embedding whose table it shares; nil where it has its own weight.
  func tiedHead(_ modules: [Walk.NamedModule]) -> (head: String, embedding: String)? {
    guard let head = outputHead,
      let path = modules.first(where: { $0.module === head })?.path,
      let embedding = modules.first(where: {
        ($0.module as? Embedding).map { head.weight.isTied(to: $0.weight) } ?? false
      })?.path
    else { return nil }
    return (path, embedding)
  }
}
