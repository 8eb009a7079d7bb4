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
    try attach(method, name: name, isStrict: true)
  }

  func attach(
    _ method: LoRA, name: String, isStrict: Bool
  ) throws(AdapterError) -> LoRAAdapter {
    if adapters.names.contains(name) { throw .nameTaken(name) }
    if name.isEmpty || name.contains(".") || name.contains("/") || name.hasPrefix("lora") {
      throw .invalidSetting(
        "name", expected: "a word without dots and slashes that does not begin with lora",
        found: "\"\(name)\"")
    }
    let resolution = try method.resolved(self, isStrict: isStrict)
    if method.hasBias, !resolution.embeddings.isEmpty {
      throw .notAdaptable(
        module: resolution.embeddings[0].match.path, reason: "lora_bias is for linear layers only")
    }
    if adapters.attachments.isEmpty {
      adapters.trainableBefore = parameters(.trainable).map(\.parameter)
      freeze()
    }
    let adapter = LoRAAdapter(name: name, configuration: method, host: self)
    for (match, base) in resolution.linears {
      let layer = method.layer(match, adapter)
      adapter.layers.append((match.path, base, layer))
      let slot = base.adapter as? LinearSlot ?? LinearSlot()
      slot.layers.append(layer)
      base.adapter = slot
    }
    for (match, base) in resolution.embeddings {
      let layer = method.embeddingLayer(match, adapter)
      adapter.embeddings.append((match.path, base, layer))
      let slot = base.adapter as? EmbeddingSlot ?? EmbeddingSlot()
      slot.layers.append(layer)
      base.adapter = slot
    }
    var made: [ObjectIdentifier: Parameter] = [:]
    for (_, key, base) in resolution.copies {
      // A tied head follows the copy of the embedding that it is tied to.
      let tied = resolution.copies.first { base.isTied(to: $0.parameter) }?.parameter
      let copy =
        tied.flatMap { made[ObjectIdentifier($0)] } ?? Parameter(base.value.copied())
      made[ObjectIdentifier(base)] = copy
      adapter.copies.append((key, base, copy))
    }
    for other in adapters.attachments { (other as? LoRAAdapter)?.isActive = false }
    adapters.attachments.append(adapter)
    adapter.isActive = true
    return adapter
  }
}

extension LoRA {
  fileprivate func layer(_ match: AdapterPlan.Match, _ adapter: LoRAAdapter) -> LoRALayer {
    var generator = generator(match.path)
    let bound = 1 / Float(match.inputs).squareRoot()
    let a: Tensor =
      switch initialization {
      case .kaiming, .random:
        Tensor(
          uniform: -bound..<bound, shape: [match.rank, match.inputs], using: &generator)
      case .gaussian:
        Tensor(
          normal: 1 / Float(match.rank), shape: [match.rank, match.inputs], using: &generator)
      }
    let narrow = 1 / Float(match.rank).squareRoot()
    let b =
      initialization == .random
      ? Tensor(
        uniform: -narrow..<narrow, shape: [match.outputs, match.rank], using: &generator)
      : Tensor(zeros: [match.outputs, match.rank])
    return LoRALayer(
      a: Parameter(a), b: Parameter(b),
      bias: hasBias ? Parameter(Tensor(zeros: [match.outputs])) : nil,
      scale: scale(rank: match.rank, alpha: match.alpha), dropout: dropout, adapter: adapter)
  }

  fileprivate func embeddingLayer(
    _ match: AdapterPlan.Match, _ adapter: LoRAAdapter
  ) -> LoRAEmbeddingLayer {
    var generator = generator(match.path)
    // The other side is zero than in a linear layer, as in loralib and PEFT.
    return LoRAEmbeddingLayer(
      a: Parameter(Tensor(zeros: [match.rank, match.inputs])),
      b: Parameter(Tensor(normal: 1, shape: [match.outputs, match.rank], using: &generator)),
      scale: scale(rank: match.rank, alpha: match.alpha), adapter: adapter)
  }

  /// A generator of its own for each module, from the seed and the path (FNV-1a).
  private func generator(_ path: String) -> Generator {
    let hash = path.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return Generator(seed: Generator.mix(hash ^ Generator.mix(seed)))
  }
}
