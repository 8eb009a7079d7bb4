import PEFTTransformer

/// A method whose own settings name modules, beside those of the selection.
protocol ModuleNamingMethod: AdapterMethod {
  /// Puts the names of the model in place of those that modules had in earlier versions of Transformers, and says whether there were any.
  mutating func takeOwnNames(_ names: EarlierNames) throws(AdapterError) -> Bool
}

extension AdapterMethod {
  /// Puts the names of the model in place of earlier ones in all settings, and says whether there were any.
  mutating func takeNames(_ names: EarlierNames) throws(AdapterError) -> Bool {
    let before = selection
    selection = try names.selection(before)
    let isChanged = selection != before
    guard var naming = self as? any ModuleNamingMethod, try naming.takeOwnNames(names),
      let own = naming as? Self
    else { return isChanged }
    self = own
    return true
  }
}

/// The names that the modules of a model had in earlier versions of Transformers, which settings may have.
///
/// An entry means what it selects by either names. Those of the model itself are kept as they are; in place of others stand
/// names of the same modules in the model, so that everything else knows these only.
struct EarlierNames {
  /// The settings that name modules, in `adapter_config.json`.
  static let fields = [
    "target_modules", "exclude_modules", "modules_to_save", "layers_pattern", "rank_pattern",
    "alpha_pattern", "feedforward_modules",
  ]

  let aliases: PathAliases
  private let modules: [(own: String, earlier: String)]

  /// Nil for a model whose modules have no other names.
  init?(_ aliases: PathAliases, _ paths: [String]) {
    if aliases.isEmpty { return nil }
    self.aliases = aliases
    modules = paths.map { ($0, aliases.stored($0)) }
  }

  /// A selection in the names of the model.
  func selection(_ selection: ModuleSelection) throws(AdapterError) -> ModuleSelection {
    var result = selection
    result.targets = try targets(selection.targets, setting: "target_modules")
    if let excluded = selection.excluded {
      result.excluded = try targets(excluded, setting: "exclude_modules")
    }
    result.modulesToSave = selection.modulesToSave.flatMap(saved)
    var layers: [String] = []
    for pattern in selection.layersPattern { layers.append(try layersPattern(pattern)) }
    result.layersPattern = layers
    return result
  }

  /// Targets in the names of the model.
  func targets(_ targets: Targets, setting: String) throws(AdapterError) -> Targets {
    switch targets {
    case .names(let names): return .names(names.flatMap(ends).unique)
    case .pattern(let text):
      let pattern = try PathPattern(text, setting: setting)
      let own = modules.filter { pattern.matchesAll(of: $0.own) }
      let all = modules.filter {
        pattern.matchesAll(of: $0.own) || pattern.matchesAll(of: $0.earlier)
      }
      return all.count == own.count ? targets : .names(all.map(\.own))
    case .attention, .allLinear, .none: return targets
    }
  }

  /// Values by patterns in the names of the model: modules that a pattern matches by earlier names stand for it one by one.
  func patterns<Value>(
    _ values: [PatternValue<Value>], setting: String
  ) throws(AdapterError) -> [PatternValue<Value>] {
    var result: [PatternValue<Value>] = []
    for value in values {
      let table = try PatternTable([value], setting: setting)
      let own = modules.filter { table.value($0.own) != nil }
      let others = modules.filter { table.value($0.own) == nil && table.value($0.earlier) != nil }
      if !own.isEmpty || others.isEmpty { result.append(value) }
      result += others.map { PatternValue("^" + $0.own, value.value) }
    }
    return result
  }

  /// The ends of paths in the model that mean what the end of a path means.
  private func ends(_ entry: String) -> [String] {
    let own = modules.filter { $0.own.isPath(of: entry) }
    let others = modules.filter { !$0.own.isPath(of: entry) && $0.earlier.isPath(of: entry) }
    if others.isEmpty { return [entry] }
    let meant = Set((own + others).map(\.own))
    var result = own.isEmpty ? [] : [entry]
    for module in others where !result.contains(where: module.own.isPath) {
      // A whole path is meant as it stands; of others the shortest end that nothing else has.
      result.append(
        module.earlier == entry
          ? module.own
          : module.own.ends.first { end in
            modules.allSatisfy { !$0.own.isPath(of: end) || meant.contains($0.own) }
          } ?? module.own)
    }
    return result
  }

  /// The module that is trained as a whole, or one above it, by its path where an earlier one was named.
  private func saved(_ entry: String) -> [String] {
    let paths = modules.map(\.own).withAncestors
    if paths.contains(where: { $0.endsExactly(with: entry) }) { return [entry] }
    let found = modules.map(\.earlier).withAncestors.filter { $0.endsExactly(with: entry) }
      .map(aliases.own).filter(paths.contains)
    return found.isEmpty ? [entry] : found
  }

  /// What stands before the index of a layer.
  private func layersPattern(_ entry: String) throws(AdapterError) -> String {
    var selection = ModuleSelection(.names([]))
    selection.layersPattern = [entry]
    let selector = try Selector(selection)
    guard !modules.contains(where: { selector.layer(of: $0.own) != nil }),
      let module = modules.first(where: { selector.layer(of: $0.earlier) != nil })
    else { return entry }
    let names = module.own.split(separator: ".")
    let index = selector.layer(of: module.earlier).map(String.init) ?? ""
    guard let place = names.firstIndex(where: { $0 == index }), place > 0 else { return entry }
    return String(names[place - 1])
  }
}

extension String {
  /// The ends of a path from a dot on, the shortest first.
  fileprivate var ends: [String] {
    let names = split(separator: ".")
    return names.indices.reversed().map { names[$0...].joined(separator: ".") }
  }
}

extension [String] {
  /// The first of each.
  fileprivate var unique: [String] {
    reduce(into: []) { result, name in
      if !result.contains(name) { result.append(name) }
    }
  }
}
