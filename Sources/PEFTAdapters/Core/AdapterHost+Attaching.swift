import PEFTTensor
public import PEFTTransformer

extension AdapterHost {
  /// Freezes the base and puts an adapter of a method beside the selected modules, active.
  ///
  /// Other adapters are deactivated, unless they are to go on; `activate` switches several on.
  ///
  /// - Parameters:
  ///   - method: the settings.
  ///   - name: by which the adapter is called; without dots.
  ///   - activating: whether it becomes the active one; else those that are active go on as they were.
  /// - Returns: the adapter, to save, merge or remove it.
  /// - Throws: `AdapterError` for a name that is taken, settings that make no sense, and entries that select nothing; the model is
  ///   unchanged then.
  @discardableResult
  public func attach(
    _ method: some AdapterMethod, name: String = "default", activating: Bool = true
  ) throws(AdapterError) -> Adapter {
    try checkName(name)
    return try attach(
      method, try Resolution(method, self, isStrict: true), name: name, activating: activating)
  }

  /// Refuses names that are taken, and those that would be mistaken for a part of a path or file.
  func checkName(_ name: String) throws(AdapterError) {
    if adapters.names.contains(name) { throw .nameTaken(name) }
    if name.isEmpty || name.contains(".") || name.contains("/") || name.hasPrefix("lora") {
      throw .invalidSetting(
        "name", expected: "a word without dots and slashes that does not begin with lora",
        found: "\"\(name)\"")
    }
  }

  /// Attaches what was resolved; parameters that `stored` has, by their names in an adapter file, start from there.
  func attach(
    _ method: any AdapterMethod, _ resolution: Resolution, name: String,
    stored: [String: Tensor] = [:], activating: Bool = true
  ) throws(AdapterError) -> Adapter {
    let adapter = Adapter(
      name: name, method: method, spelledOut: resolution.method, host: self)
    let seed = resolution.method.selection.seed
    // Each module has a generator of its own, so that neither the order nor the choice of other modules matters.
    if let shared = resolution.shared {
      var generator = Generator(seed: seed, path: "")
      adapter.sharedTensors = try shared.tensors(
        at: nil, adapterName: name, stored, &generator)
    }
    let sharedParameters = adapter.sharedTensors.map { ($0.name, $0.parameter) }
    for (site, blueprint) in resolution.sites {
      guard let make = blueprint.make else { continue }
      var generator = Generator(seed: seed, path: site.path)
      let tensors = try blueprint.tensors.tensors(
        at: site.path, adapterName: name, stored, &generator)
      let own = zip(blueprint.tensors.entries, tensors).map { ($0.name, $1.parameter) }
      let layer = make(Dictionary(uniqueKeysWithValues: own + sharedParameters))
      adapter.modules.append(.init(site: site, layer: layer, tensors: tensors))
      for base in blueprint.standIns {
        let copy = Parameter(base.value.copied(), isTrainable: false)
        adapter.copies.append(.init(key: site.path, base: base, copy: copy, isTrained: false))
      }
    }
    for (key, base) in resolution.copies {
      // With `ensure_weight_tying` a tied head follows the copy of the embedding that it is tied to.
      let followed =
        resolution.tiesHead ? adapter.copies.first { base.isTied(to: $0.base) }?.copy : nil
      let value = stored[AdapterFile.copyPrefix(method) + key]?.copied() ?? base.value.copied()
      adapter.copies.append(
        .init(key: key, base: base, copy: followed ?? Parameter(value), isTrained: true))
    }
    adapter.savedBases = resolution.savedBases
    if addedTokenCount > 0 { adapter.savedTables = resolution.tables }
    install(adapter, activating: activating)
    return adapter
  }

  /// Fills the slots of a complete adapter, and may make it the active one.
  private func install(_ adapter: Adapter, activating: Bool) {
    if adapters.attachments.isEmpty {
      adapters.trainableBefore = parameters(.trainable).map(\.parameter)
      freeze()
    }
    for module in adapter.modules { module.fillSlot(for: adapter) }
    if activating {
      for other in adapters.attachments { (other as? Adapter)?.isActive = false }
    }
    adapters.attachments.append(adapter)
    adapter.controller = adapter.method.controller(adapter)
    adapter.isActive = activating
  }
}

extension TensorsBlueprint {
  /// The tensors themselves: stored values where there are, and those that they start with.
  fileprivate func tensors(
    at path: String?, adapterName: String, _ stored: [String: Tensor],
    _ generator: inout Generator
  ) throws(AdapterError) -> [AdapterTensor] {
    func name(_ entry: Entry) -> String {
      path.map { AdapterFile.name(entry.name, at: $0) } ?? entry.name
    }
    let isComplete = entries.allSatisfy { stored[name($0)] != nil }
    let initial = isComplete ? [:] : try start(&generator)
    return entries.map { entry in
      let value = stored[name(entry)]?.copied() ?? initial[entry.name]
      precondition(
        value?.shape == entry.shape,
        "\(entry.name): the method starts with \(value?.shape ?? []), not \(entry.shape)")
      return AdapterTensor(
        name: name(entry), memberName: AdapterFile.memberName(entry.name, adapterName),
        parameter: Parameter(
          value ?? Tensor(zeros: entry.shape), isTrainable: entry.role.isTrained),
        role: entry.role)
    }
  }
}

extension Generator {
  /// A generator for one module, from the seed and the path (FNV-1a).
  init(seed: UInt64, path: String) {
    let hash = path.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    self.init(seed: Generator.mix(hash ^ Generator.mix(seed)))
  }
}
