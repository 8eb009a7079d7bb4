import PEFTTensor
public import PEFTTransformer

extension AdapterHost {
  /// Freezes the base and puts LoRA beside the selected modules, active.
  ///
  /// Other adapters are deactivated; `activate` switches several on.
  ///
  /// - Parameters:
  ///   - method: the settings.
  ///   - name: by which the adapter is called; without dots.
  /// - Returns: the adapter, to save, merge or remove it.
  /// - Throws: `AdapterError` for a name that is taken, settings that make no sense, and entries that select nothing; the model is
  ///   unchanged then.
  @discardableResult
  public func attach(
    _ method: LoRA, name: String = "default"
  ) throws(AdapterError) -> LoRAAdapter {
    try checkName(name)
    return attach(method, try method.resolved(self, isStrict: true), name: name)
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
    _ method: LoRA, _ resolution: LoRA.Resolution, name: String, stored: [String: Tensor] = [:]
  ) -> LoRAAdapter {
    if adapters.attachments.isEmpty {
      adapters.trainableBefore = parameters(.trainable).map(\.parameter)
      freeze()
    }
    let adapter = LoRAAdapter(
      name: name, configuration: method, spelledOut: resolution.spelledOut, host: self)
    func start(_ key: String, _ initial: @autoclosure () -> Tensor) -> Parameter {
      Parameter(stored[LoRA.filePrefix + key]?.copied() ?? initial())
    }
    for (match, base) in resolution.linears {
      let initial = method.initialValues(match)
      let layer = LoRALayer(
        a: start(LoRA.Key.a(match.path), initial.a), b: start(LoRA.Key.b(match.path), initial.b),
        bias: initial.bias.map { start(LoRA.Key.bias(match.path), $0) },
        scale: method.scale(rank: match.rank, alpha: match.alpha), dropout: method.dropout,
        adapter: adapter)
      adapter.layers.append((match.path, base, layer))
      let slot = base.adapter as? LinearSlot ?? LinearSlot()
      slot.layers.append(layer)
      base.adapter = slot
    }
    for (match, base) in resolution.embeddings {
      let initial = method.initialValues(match)
      let layer = LoRAEmbeddingLayer(
        a: start(LoRA.Key.embeddingA(match.path), initial.a),
        b: start(LoRA.Key.embeddingB(match.path), initial.b),
        scale: method.scale(rank: match.rank, alpha: match.alpha), adapter: adapter)
      adapter.embeddings.append((match.path, base, layer))
      let slot = base.adapter as? EmbeddingSlot ?? EmbeddingSlot()
      slot.layers.append(layer)
      base.adapter = slot
    }
    for (key, base) in resolution.copies {
      // With `ensure_weight_tying` a tied head follows the copy of the embedding that it is tied to.
      let followed =
        resolution.tiesHead ? adapter.copies.first { base.isTied(to: $0.base) }?.copy : nil
      let copy = followed ?? start(key, base.value.copied())
      adapter.copies.append(.init(key: key, base: base, copy: copy, isTrained: true))
    }
    adapter.savedBases = resolution.savedBases
    for other in adapters.attachments { (other as? LoRAAdapter)?.isActive = false }
    adapters.attachments.append(adapter)
    adapter.isActive = true
    return adapter
  }
}
