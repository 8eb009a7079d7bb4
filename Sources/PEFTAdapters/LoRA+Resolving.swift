import PEFTTensor
import PEFTTransformer

extension LoRA.Resolution {
  /// Takes a selected module in.
  mutating func add(
    _ path: String, _ module: any Module, rank: Int, alpha: Double
  ) throws(AdapterError) {
    if let layer = module as? Linear {
      if let other = layer.adapter, !(other is LinearSlot) {
        throw .conflict("\(path) has an adapter of another kind already: \(type(of: other))")
      }
      let match = AdapterPlan.Match(
        path: path, inputs: layer.inputs, outputs: layer.outputs, rank: rank, alpha: alpha,
        isEmbedding: false,
        parameters: rank * (layer.inputs + layer.outputs)
          + (spelledOut.hasBias ? layer.outputs : 0))
      linears.append((match, layer))
      plan.matches.append(match)
    } else if let layer = module as? Embedding {
      if let other = layer.adapter, !(other is EmbeddingSlot) {
        throw .conflict("\(path) has an adapter of another kind already: \(type(of: other))")
      }
      if spelledOut.hasBias {
        throw .notAdaptable(module: path, reason: "lora_bias is for linear layers only")
      }
      let (rows, width) = (layer.weight.shape[0], layer.weight.shape[1])
      let match = AdapterPlan.Match(
        path: path, inputs: rows, outputs: width, rank: rank, alpha: alpha, isEmbedding: true,
        parameters: rank * (rows + width))
      embeddings.append((match, layer))
      plan.matches.append(match)
    } else {
      throw .notAdaptable(
        module: path,
        reason: "it is a \(type(of: module)); LoRA adapts linear layers and embeddings")
    }
  }

  /// Parameters of which a copy is trained: saved modules, by PEFT's rule that the path ends with the entry, and biases.
  mutating func addCopies(
    _ model: some AdapterHost, _ modules: [Walk.NamedModule]
  ) throws(AdapterError) {
    var seen: Set<ObjectIdentifier> = []
    let adapted = Set(
      linears.map { ObjectIdentifier($0.layer) } + embeddings.map { ObjectIdentifier($0.layer) })
    for (path, _) in modules
    where spelledOut.modulesToSave.contains(where: path.endsExactly(with:)) {
      // Everything below it, for a module that keeps others.
      for (inner, part) in modules where inner == path || inner.hasPrefix(path + ".") {
        if adapted.contains(ObjectIdentifier(part)) {
          throw .conflict(
            "\(inner) is a target and, by the end of \(path), in modules_to_save as well")
        }
        for (name, parameter) in part.ownParameters
        where seen.insert(ObjectIdentifier(parameter)).inserted {
          add("\(inner).\(name)", parameter)
        }
      }
    }
    if tiesHead, let head = model.outputHead,
      copies.contains(where: { head.weight.isTied(to: $0.parameter) }),
      let path = modules.first(where: { $0.module === head })?.path,
      seen.insert(ObjectIdentifier(head.weight)).inserted
    {
      add("\(path).weight", head.weight)
    }
    if spelledOut.bias == .none { return }
    for (path, module) in modules {
      let isAdapted = module is Linear && adapted.contains(ObjectIdentifier(module))
      guard spelledOut.bias == .all || isAdapted else { continue }
      for (name, parameter) in module.ownParameters
      where name == "bias" && seen.insert(ObjectIdentifier(parameter)).inserted {
        add(isAdapted ? "\(path).base_layer.bias" : "\(path).bias", parameter, path: "\(path).bias")
      }
    }
  }

  private mutating func add(_ key: String, _ parameter: Parameter, path: String? = nil) {
    copies.append((key, parameter))
    // A tied head has no copy of its own.
    let isFollowing = tiesHead && parameter.isTied
    plan.copies.append(
      .init(path: path ?? key, parameters: isFollowing ? 0 : parameter.count))
  }

  /// PEFT saves the weights of an adapted embedding and head where a target is called by one of two names.
  mutating func addSavedBases(_ model: some AdapterHost, _ modules: [Walk.NamedModule]) {
    let isNamed =
      switch spelledOut.targets {
      case .names(let names): names.contains("embed_tokens") || names.contains("lm_head")
      case .pattern: plan.matches.contains { LoRA.isEmbeddingName($0.path) }
      case .allLinear, .attention: false
      }
    guard isNamed else { return }
    for (match, layer) in embeddings where layer === model.inputEmbedding {
      savedBases.append((match.path, layer.weight))
    }
    for (match, layer) in linears where layer === model.outputHead {
      savedBases.append((match.path, layer.weight))
    }
  }
}
