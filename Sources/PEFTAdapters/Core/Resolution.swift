import PEFTTensor
public import PEFTTransformer

extension AdapterMethod {
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
    try Resolution(self, model, isStrict: isStrict).plan
  }
}

/// What a method makes of a model: the modules themselves, beside the plan.
struct Resolution {
  /// The settings with targets as names or a pattern, as they are saved.
  var method: any AdapterMethod
  var plan = AdapterPlan(matches: [], copies: [], counts: [], excluded: [])
  /// Whether a tied head follows the copy of the embedding.
  var tiesHead = false
  var sites: [(site: AdapterSite, blueprint: LayerBlueprint)] = []
  var shared: TensorsBlueprint?
  /// Parameters that are trained as a whole, and where their copies are saved.
  var copies: [(key: String, parameter: Parameter)] = []
  /// The adapted embedding and head whose weights are saved beside the adapter.
  var savedBases: [(path: String, parameter: Parameter)] = []
  /// The table of tokens and the head, where nothing is done to them.
  var tables: [(path: String, parameter: Parameter)] = []

  /// The settings of what is selected, with targets as names or a pattern.
  var selection: ModuleSelection { method.selection }
  /// Whether the settings named modules as earlier versions of Transformers did.
  private(set) var isRenamed = false
  /// Names that were meant one by one, and not found by the package.
  private let named: Bool

  /// Finds the modules that the settings select; where `isStrict`, entries that select nothing are errors.
  init(
    _ method: any AdapterMethod, _ model: any AdapterHost, isStrict: Bool
  ) throws(AdapterError) {
    var method = method
    // What a file holds is what it says.
    if isStrict { method.selection.addHeads(of: model) }
    try method.checkSettings()
    try method.selection.check()
    let modules = model.walk(includingAdapters: false).modules.filter { !$0.path.isEmpty }
    if let names = EarlierNames(model.aliases, modules.map(\.path)) {
      isRenamed = try method.takeNames(names)
    }
    var spelledOut = method
    spelledOut.selection = try method.selection.spelledOut(
      model, modules, usual: method.usualTargets(model))
    self.method = spelledOut
    named = method.selection.targets != .allLinear
    let selector = try Selector(selection)
    for (path, module) in modules {
      switch selector.verdict(path) {
      case .saved: continue
      case .excluded: plan.excluded.append(path)
      case .other:
        if method.adapts(AdapterSite(path: path, module: module, host: model)) {
          try add(path, module, model)
        }
      case .selected: try add(path, module, model)
      }
    }
    shared = try self.method.sharedTensors(sites.map(\.site), model)
    plan.sharedCount = shared?.trainedCount ?? 0
    tiesHead =
      selection.ensuresWeightTying
      && method.selection.modulesToSave.contains(where: ModuleSelection.isEmbeddingName)
      && model.tiedHead(modules) != nil
    try addCopies(model, modules)
    addSavedBases(model)
    tables = plainTables(model)
    try check(modules.map(\.path), selector, named: named, isStrict: isStrict)
    if isStrict { try self.method.checkEntries(sites.map(\.site.path)) }
    if isStrict, selection.ensuresWeightTying, !tiesHead {
      throw .invalidSetting(
        "ensure_weight_tying",
        expected: "false, unless the head is tied and modules_to_save has embed_tokens or lm_head",
        found: "true")
    }
  }

  /// Takes a selected module in.
  private mutating func add(
    _ path: String, _ module: any Module, _ host: any AdapterHost
  ) throws(AdapterError) {
    guard Adapter.AdaptedModule.canFillSlot(of: module) else {
      throw .conflict("\(path) has an adapter of another kind already")
    }
    let site = AdapterSite(path: path, module: module, host: host)
    let blueprint = try method.blueprint(site)
    sites.append((site, blueprint))
    for copy in blueprint.copies { add("\(path).\(copy.name)", copy.parameter, isPlanned: false) }
    plan.matches.append(
      .init(
        path: path, inputs: site.linear?.inputs ?? site.embedding?.weight.shape[0] ?? 0,
        outputs: site.linear?.outputs ?? site.embedding?.weight.shape[1] ?? 0,
        rank: blueprint.rank, alpha: blueprint.alpha, isEmbedding: site.embedding != nil,
        parameters: blueprint.tensors.trainedCount
          + blueprint.copies.reduce(0) { $0 + $1.parameter.count }))
  }
}
