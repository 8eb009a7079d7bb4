internal import PEFTCheckpoints
import PEFTTensor
public import PEFTTransformer

extension LoRA {
  /// What attaching this to a model would do; nothing is changed.
  ///
  /// - Parameter model: the base.
  /// - Returns: every module and parameter that would be trained.
  /// - Throws: `AdapterError` for a setting that makes no sense, and for any entry of a setting that selects nothing.
  public func plan(_ model: some AdapterHost) throws(AdapterError) -> AdapterPlan {
    try resolved(model, isStrict: true).plan
  }

  /// The modules themselves, beside the plan.
  struct Resolution {
    var plan: AdapterPlan
    var linears: [(match: AdapterPlan.Match, layer: Linear)]
    var embeddings: [(match: AdapterPlan.Match, layer: Embedding)]
    /// Parameters that are trained as a whole, and where their copies are saved.
    var copies: [(path: String, key: String, parameter: Parameter)]
  }

  /// The modules that the settings select; where `isStrict`, entries that select nothing are errors.
  func resolved(
    _ model: some AdapterHost, isStrict: Bool
  ) throws(AdapterError) -> Resolution {
    try checkSettings()
    let modules = model.walk(includingAdapters: false).modules.filter { !$0.path.isEmpty }
    let head = model.outputHead
    let allLinear = modules.filter { $0.module is Linear && $0.module !== head }.map(\.path)
    let selector = try Selector(
      selection, modelType: model.modelType, allLinear: Set(allLinear))
    let ranks = try PatternTable(rankPattern, setting: "rank_pattern")
    let alphas = try PatternTable(alphaPattern, setting: "alpha_pattern")
    var result = Resolution(
      plan: AdapterPlan(matches: [], copies: [], counts: [], excluded: []), linears: [],
      embeddings: [], copies: [])
    for (path, module) in modules {
      switch selector.verdict(path) {
      case .other: continue
      case .excluded:
        result.plan.excluded.append(path)
        continue
      case .selected: break
      }
      let rank = ranks.value(path) ?? rank
      let alpha = alphas.value(path) ?? alpha
      guard rank > 0 else {
        throw .invalidSetting("rank_pattern", expected: "positive ranks", found: "\(rank)")
      }
      if let layer = module as? Linear {
        let match = AdapterPlan.Match(
          path: path, inputs: layer.inputs, outputs: layer.outputs, rank: rank, alpha: alpha,
          isEmbedding: false,
          parameters: rank * (layer.inputs + layer.outputs) + (hasBias ? layer.outputs : 0))
        result.linears.append((match, layer))
        result.plan.matches.append(match)
      } else if let layer = module as? Embedding {
        let (rows, width) = (layer.weight.shape[0], layer.weight.shape[1])
        let match = AdapterPlan.Match(
          path: path, inputs: rows, outputs: width, rank: rank, alpha: alpha, isEmbedding: true,
          parameters: rank * (rows + width))
        result.embeddings.append((match, layer))
        result.plan.matches.append(match)
      } else {
        throw .notAdaptable(
          module: path,
          reason: "it is a \(type(of: module)); LoRA adapts linear layers and embeddings")
      }
    }
    try resolveCopies(model, modules, &result)
    try check(&result, modules.map(\.path), ranks, alphas, model.modelType, isStrict: isStrict)
    return result
  }

  private func checkSettings() throws(AdapterError) {
    if rank <= 0 { throw .invalidSetting("rank", expected: "a positive number", found: "\(rank)") }
    if !(dropout >= 0 && dropout < 1) {
      throw .invalidSetting("dropout", expected: "a probability below 1", found: "\(dropout)")
    }
    if !alpha.isFinite {
      throw .invalidSetting("alpha", expected: "a finite number", found: "\(alpha)")
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

  /// Parameters of which a copy is trained: saved modules, by PEFT's rule that the path ends with the entry, and biases.
  private func resolveCopies(
    _ model: some AdapterHost, _ modules: [Walk.NamedModule], _ result: inout Resolution
  ) throws(AdapterError) {
    var seen: Set<ObjectIdentifier> = []
    func add(_ path: String, key: String, _ parameter: Parameter) {
      guard seen.insert(ObjectIdentifier(parameter)).inserted else { return }
      result.copies.append((path, key, parameter))
      result.plan.copies.append(.init(path: path, parameters: parameter.count))
    }
    for (path, module) in modules where modulesToSave.contains(where: path.hasSuffix) {
      for (name, parameter) in module.ownParameters {
        add("\(path).\(name)", key: "\(path).\(name)", parameter)
      }
    }
    if ensuresWeightTying, let head = model.outputHead, head.weight.isTied,
      result.copies.contains(where: { head.weight.isTied(to: $0.parameter) }),
      let path = modules.first(where: { $0.module === head })?.path
    {
      add("\(path).weight", key: "\(path).weight", head.weight)
    }
    if bias == .none { return }
    let adapted = Set(result.linears.map { ObjectIdentifier($0.layer) })
    for (path, module) in modules {
      let isAdapted = adapted.contains(ObjectIdentifier(module))
      guard bias == .all || isAdapted else { continue }
      for (name, parameter) in module.ownParameters where name == "bias" {
        add("\(path).bias", key: isAdapted ? "\(path).base_layer.bias" : "\(path).bias", parameter)
      }
    }
  }

  private func check(
    _ result: inout Resolution, _ paths: [String], _ ranks: PatternTable<Int>,
    _ alphas: PatternTable<Double>, _ modelType: String, isStrict: Bool
  ) throws(AdapterError) {
    let names: [String] =
      switch targets {
      case .names(let names): names
      case .attention: Targets.usual(for: modelType) ?? []
      case .allLinear, .pattern: []
      }
    let selected = result.plan.matches.map(\.path)
    result.plan.counts = names.map { name in
      PatternValue(name, selected.filter { Targets.matches(name, $0) }.count)
    }
    if selected.isEmpty && result.copies.isEmpty || selected.isEmpty && isStrict {
      if case .pattern(let pattern) = targets {
        throw Self.dead("target_modules", [pattern], paths)
      }
      if !names.isEmpty,
        !paths.contains(where: { path in names.contains { Targets.matches($0, path) } })
      {
        throw Self.dead("target_modules", names, paths)
      }
      throw .nothingSelected(
        hint:
          "targets \(targets), excluded \(result.plan.excluded.count), layers \(layersToTransform ?? [])"
      )
    }
    guard isStrict else { return }
    let deadNames = result.plan.counts.filter { $0.value == 0 }.map(\.pattern)
    if !deadNames.isEmpty { throw Self.dead("target_modules", deadNames, paths) }
    if case .names(let excluded) = excluded {
      let dead = excluded.filter { name in
        !result.plan.excluded.contains { Targets.matches(name, $0) }
      }
      if !dead.isEmpty { throw Self.dead("exclude_modules", dead, paths) }
    } else if case .pattern(let pattern) = excluded, result.plan.excluded.isEmpty {
      throw Self.dead("exclude_modules", [pattern], paths)
    }
    let deadSaved = modulesToSave.filter { name in !paths.contains { $0.hasSuffix(name) } }
    if !deadSaved.isEmpty { throw Self.dead("modules_to_save", deadSaved, paths) }
    let deadRanks = ranks.dead(among: selected).map { rankPattern[$0].pattern }
    if !deadRanks.isEmpty { throw Self.dead("rank_pattern", deadRanks, selected) }
    let deadAlphas = alphas.dead(among: selected).map { alphaPattern[$0].pattern }
    if !deadAlphas.isEmpty { throw Self.dead("alpha_pattern", deadAlphas, selected) }
    try checkLayers(selected)
  }

  /// Every layer that is listed must have an adapted module.
  private func checkLayers(_ selected: [String]) throws(AdapterError) {
    let dead = (layersToTransform ?? []).filter { index in
      !selected.contains { $0.split(separator: ".").contains(Substring("\(index)")) }
    }
    if !dead.isEmpty {
      throw .deadPatterns(
        setting: "layers_to_transform", patterns: dead.map(String.init), nearest: [])
    }
  }

  private static func dead(
    _ setting: String, _ patterns: [String], _ paths: [String]
  ) -> AdapterError {
    let names = Set(
      paths.flatMap { path in [path, path.split(separator: ".").last.map(String.init) ?? path] })
    let nearest = patterns.flatMap { nearestNames(to: $0, among: names.sorted(), count: 3) }
    var seen: Set<String> = []
    return .deadPatterns(
      setting: setting, patterns: patterns, nearest: nearest.filter { seen.insert($0).inserted })
  }
}
