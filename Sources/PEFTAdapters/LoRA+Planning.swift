import PEFTTensor
public import PEFTTransformer

extension LoRA {
  /// What attaching this to a model would do; nothing is changed.
  ///
  /// - Parameter model: the base.
  /// - Returns: every module and parameter that would be trained.
  /// - Throws: `AdapterError` for a setting that makes no sense, for any entry of a setting that selects nothing, and for a
  ///   selected module that cannot be adapted.
  public func plan(_ model: some AdapterHost) throws(AdapterError) -> AdapterPlan {
    try plan(model, isStrict: true)
  }

  /// The same, as a folder is read where not `isStrict`: entries that select nothing are passed over.
  package func plan(
    _ model: some AdapterHost, isStrict: Bool
  ) throws(AdapterError) -> AdapterPlan {
    try resolved(model, isStrict: isStrict).plan
  }

  /// The modules themselves, beside the plan.
  struct Resolution {
    /// The settings with targets as names or a pattern, as they are saved.
    var spelledOut: LoRA
    var plan: AdapterPlan
    /// Whether a tied head follows the copy of the embedding.
    var tiesHead = false
    var linears: [(match: AdapterPlan.Match, layer: Linear)] = []
    var embeddings: [(match: AdapterPlan.Match, layer: Embedding)] = []
    /// Parameters that are trained as a whole, and where their copies are saved.
    var copies: [(key: String, parameter: Parameter)] = []
    /// The adapted embedding and head whose weights are saved beside the adapter.
    var savedBases: [(path: String, parameter: Parameter)] = []
  }

  /// The modules that the settings select; where `isStrict`, entries that select nothing are errors.
  func resolved(
    _ model: some AdapterHost, isStrict: Bool
  ) throws(AdapterError) -> Resolution {
    try checkSettings()
    let modules = model.walk(includingAdapters: false).modules.filter { !$0.path.isEmpty }
    let method = try spelledOut(model, modules)
    let selector = try Selector(method.selection)
    let ranks = try PatternTable(rankPattern, setting: "rank_pattern")
    let alphas = try PatternTable(alphaPattern, setting: "alpha_pattern")
    var result = Resolution(
      spelledOut: method, plan: AdapterPlan(matches: [], copies: [], counts: [], excluded: []))
    for (path, module) in modules {
      switch selector.verdict(path) {
      case .other, .saved: continue
      case .excluded: result.plan.excluded.append(path)
      case .selected:
        try result.add(
          path, module, rank: ranks.value(path) ?? rank, alpha: alphas.value(path) ?? alpha)
      }
    }
    result.tiesHead =
      ensuresWeightTying && modulesToSave.contains(where: Self.isEmbeddingName)
      && model.tiedHead(modules) != nil
    try result.addCopies(model, modules)
    result.addSavedBases(model, modules)
    try method.check(
      &result, modules.map(\.path), selector, ranks, alphas, named: targets != .allLinear,
      isStrict: isStrict)
    if isStrict, ensuresWeightTying, !result.tiesHead {
      throw .invalidSetting(
        "ensure_weight_tying",
        expected: "false, unless the head is tied and modules_to_save has embed_tokens or lm_head",
        found: "true")
    }
    return result
  }

  private func checkSettings() throws(AdapterError) {
    try Self.checkRank(rank, "rank")
    for entry in rankPattern { try Self.checkRank(entry.value, "rank_pattern") }
    for value in [alpha] + alphaPattern.map(\.value) where !value.isFinite {
      throw .invalidSetting("alpha", expected: "a finite number", found: "\(value)")
    }
    if !(dropout >= 0 && dropout < 1) {
      throw .invalidSetting("dropout", expected: "a probability below 1", found: "\(dropout)")
    }
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
    if hasBias, initialization == .gaussian {
      throw .invalidSetting(
        "lora_bias", expected: "false with the gaussian start, which PEFT does not load with it",
        found: "true")
    }
  }

  /// The limit keeps sizes that a file makes up from exhausting the memory.
  private static func checkRank(_ rank: Int, _ setting: String) throws(AdapterError) {
    if !(1...65_536).contains(rank) {
      throw .invalidSetting(setting, expected: "ranks from 1 to 65536", found: "\(rank)")
    }
  }

  /// The settings with targets as names, and with what `ensure_weight_tying` makes of them in PEFT.
  private func spelledOut(
    _ model: some AdapterHost, _ modules: [Walk.NamedModule]
  ) throws(AdapterError) -> LoRA {
    let head = model.outputHead
    var allLinear = modules.filter { $0.module is Linear && $0.module !== head }.map(\.path)
    if targets == .allLinear, let layers = layersToTransform, !layers.isEmpty {
      // Whole paths are adapted whatever the layers, so that only those in the layers may be named.
      var indices = selection
      indices.targets = .names([])
      let selector = try Selector(indices)
      allLinear = allLinear.filter { selector.layer(of: $0).map(layers.contains) ?? false }
    }
    var result = self
    result.targets = try targets.spelledOut(
      "target_modules", modelType: model.modelType, allLinear: allLinear)
    result.excluded = try excluded?.spelledOut(
      "exclude_modules", modelType: model.modelType, allLinear: allLinear)
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
    case .allLinear, .attention: return false
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
