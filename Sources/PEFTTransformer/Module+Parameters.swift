package import PEFTTensor

/// A choice among the parameters of a module.
public enum ParameterSet: Sendable {
  /// All of them.
  case all
  /// Those an optimiser changes.
  case trainable
  /// The others.
  case frozen
}

extension Module {
  /// Everything below this module.
  ///
  /// One pass over the tree.
  public var walk: Walk { walk(includingAdapters: true) }

  /// The same, with or without what fills the slots of layers.
  public func walk(includingAdapters: Bool) -> Walk {
    var walk = Walk(includesAdapters: includingAdapters)
    collect(at: "", into: &walk)
    return walk
  }

  /// The parameters of a set, with their paths, in the order of the model.
  public func parameters(_ set: ParameterSet = .all) -> [NamedParameter] {
    walk.parameters.filter {
      switch set {
      case .all: true
      case .trainable: $0.parameter.isTrainable
      case .frozen: !$0.parameter.isTrainable
      }
    }
  }

  /// How many elements the parameters of a set have.
  public func parameterCount(_ set: ParameterSet = .all) -> Int {
    parameters(set).reduce(0) { $0 + $1.parameter.count }
  }

  /// How many bytes the parameters of a set take in memory.
  public func byteCount(_ set: ParameterSet = .all) -> Int {
    parameters(set).reduce(0) { $0 + $1.parameter.byteCount }
  }

  /// Stops training every parameter, or those whose path fulfils a condition.
  public func freeze(where condition: (_ path: String) -> Bool = { _ in true }) {
    for named in parameters() where condition(named.path) { named.parameter.isTrainable = false }
  }

  /// Trains every parameter whose path fulfils a condition.
  ///
  /// - Parameter condition: gets the path, as `model.layers.0.mlp.up_proj.weight`.
  /// - Returns: how many parameters fulfilled it; 0 says that nothing happened.
  @discardableResult
  public func unfreeze(where condition: (_ path: String) -> Bool = { _ in true }) -> Int {
    let chosen = parameters().filter { condition($0.path) }
    for named in chosen { named.parameter.isTrainable = true }
    return chosen.count
  }
}

extension Module {
  /// The parameters that this module keeps itself, by the name that its members give them.
  package var ownParameters: [(name: String, parameter: Parameter)] {
    members.entries.compactMap { entry in
      if let parameter = entry.member as? Parameter { return (entry.name, parameter) }
      if let parameter = entry.member as? Parameter? { return parameter.map { (entry.name, $0) } }
      return nil
    }
  }
}
