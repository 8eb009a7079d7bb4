import PEFTTensor
import PEFTTransformer

extension Resolution {
  /// Parameters of which a copy is trained: saved modules, by PEFT's rule that the path ends with the entry, and biases.
  mutating func addCopies(
    _ model: any AdapterHost, _ modules: [Walk.NamedModule]
  ) throws(AdapterError) {
    var seen = Set(copies.map { ObjectIdentifier($0.parameter) })
    let adapted = Set(sites.map { ObjectIdentifier($0.site.module) })
    for path in modules.map(\.path).withAncestors
    where selection.modulesToSave.contains(where: path.endsExactly(with:)) {
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
    if selection.bias == .none { return }
    for (path, module) in modules {
      let isAdapted = module is Linear && adapted.contains(ObjectIdentifier(module))
      guard selection.bias == .all || isAdapted else { continue }
      for (name, parameter) in module.ownParameters
      where name == "bias" && seen.insert(ObjectIdentifier(parameter)).inserted {
        add(isAdapted ? "\(path).base_layer.bias" : "\(path).bias", parameter, path: "\(path).bias")
      }
    }
  }

  /// Takes in a parameter of which a copy is trained; one that a match counts already is not planned again.
  mutating func add(
    _ key: String, _ parameter: Parameter, path: String? = nil, isPlanned: Bool = true
  ) {
    copies.append((key, parameter))
    guard isPlanned else { return }
    // A tied head has no copy of its own.
    let isFollowing = tiesHead && parameter.isTied
    plan.copies.append(
      .init(path: path ?? key, parameters: isFollowing ? 0 : parameter.count))
  }

  /// The table of tokens and the head, with the places that they are not adapted at: a file may hold them where the vocabulary was changed.
  func plainTables(
    _ host: any AdapterHost
  ) -> [(path: String, parameter: Parameter)] {
    let modules = host.walk(includingAdapters: false).modules
    return [host.inputEmbedding as (any Module)?, host.outputHead].compactMap { table in
      guard let table, let path = modules.first(where: { $0.module === table })?.path,
        let weight = table.ownParameters.first(where: { $0.name == "weight" })?.parameter,
        !sites.contains(where: { $0.site.module === table }),
        !copies.contains(where: { $0.parameter === weight || weight.isTied(to: $0.parameter) })
      else { return nil }
      return (path, weight)
    }
  }

  /// PEFT saves the weights of an adapted embedding and head where a target is called by one of two names.
  mutating func addSavedBases(_ model: any AdapterHost) {
    let isNamed =
      switch selection.targets {
      case .names(let names): names.contains("embed_tokens") || names.contains("lm_head")
      case .pattern: plan.matches.contains { ModuleSelection.isEmbeddingName($0.path) }
      case .allLinear, .attention, .none: false
      }
    guard isNamed else { return }
    // One that is trained in a copy stands under its own name.
    for (site, blueprint) in sites where blueprint.make != nil {
      if let layer = site.embedding, layer === model.inputEmbedding {
        savedBases.append((site.path, layer.weight))
      }
    }
    for (site, blueprint) in sites where blueprint.make != nil {
      if let layer = site.linear, layer === model.outputHead {
        savedBases.append((site.path, layer.weight))
      }
    }
  }
}
