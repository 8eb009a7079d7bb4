internal import PEFTCheckpoints

extension Resolution {
  /// Counts what each name selects; throws where nothing is selected, or, where `isStrict`, for any entry that is dead.
  ///
  /// `named` says whether someone named them one by one.
  mutating func check(
    _ paths: [String], _ selector: Selector, named: Bool, isStrict: Bool
  ) throws(AdapterError) {
    let selected = plan.matches.map(\.path)
    if named, case .names(let names) = selection.targets {
      plan.counts = names.map { name in
        PatternValue(name, selected.count { $0.isPath(of: name) })
      }
    }
    if selected.isEmpty { try checkTargets(paths, selector) }
    guard isStrict else { return }
    if case .names(let names) = selection.targets {
      try Self.refuse(
        "target_modules", names.filter { name in !paths.contains { $0.isPath(of: name) } }, paths)
    }
    switch selection.excluded {
    case .names(let names):
      try Self.refuse(
        "exclude_modules", names.filter { name in !paths.contains { $0.isPath(of: name) } }, paths)
    case .pattern(let pattern) where plan.excluded.isEmpty:
      try Self.refuse("exclude_modules", [pattern], paths)
    case nil, .pattern, .allLinear, .attention, .none?: break
    }
    let places = paths.withAncestors
    try Self.refuse(
      "modules_to_save",
      selection.modulesToSave.filter { name in !places.contains { $0.endsExactly(with: name) } },
      paths)
    try checkLayers(selected, paths, selector)
    // A name whose modules are all excluded selects nothing either.
    try Self.refuse(
      "target_modules", plan.counts.filter { $0.value == 0 }.map(\.pattern), selected)
  }

  /// Says why no module at all is selected.
  private func checkTargets(_ paths: [String], _ selector: Selector) throws(AdapterError) {
    let targeted = paths.filter(selector.isTarget)
    if targeted.isEmpty {
      switch selection.targets {
      case .pattern(let pattern): try Self.refuse("target_modules", [pattern], paths)
      case .names(let names): try Self.refuse("target_modules", names, paths)
      case .allLinear, .attention, .none: break
      }
      throw .nothingSelected(hint: "there are no targets")
    }
    let kept = targeted.filter { ![.excluded, .saved].contains(selector.verdict($0)) }
    if kept.isEmpty {
      throw .nothingSelected(
        hint: "all \(targeted.count) targets (\(Self.lastNames(targeted))) are excluded or in "
          + "modules_to_save; choose other targets or exclude fewer")
    }
    try refuseLayers(selection.layersToTransform ?? [], kept, selector)
    throw .nothingSelected(hint: "of \(kept.count) targets, none stands in a layer that is listed")
  }

  /// Every layer that is listed must have an adapted module, and every pattern must find layers.
  private func checkLayers(
    _ selected: [String], _ paths: [String], _ selector: Selector
  ) throws(AdapterError) {
    let found = Set(selected.compactMap(selector.layer))
    try refuseLayers(
      (selection.layersToTransform ?? []).filter { !found.contains($0) },
      paths.filter(selector.isTarget),
      selector)
    try Self.refuse("layers_pattern", selector.deadLayersPatterns(among: paths), paths)
  }

  private func refuseLayers(
    _ dead: [Int], _ targeted: [String], _ selector: Selector
  ) throws(AdapterError) {
    if dead.isEmpty { return }
    let existing = Set(targeted.compactMap(selector.layer)).sorted().map(String.init)
    throw .deadPatterns(
      setting: "layers_to_transform", patterns: dead.map(String.init), nearest: existing)
  }

  private static func lastNames(_ paths: [String]) -> String {
    var names: [String] = []
    for path in paths where !names.contains(path.lastName) { names.append(path.lastName) }
    return names.joined(separator: ", ")
  }

  static func refuse(
    _ setting: String, _ patterns: [String], _ paths: [String]
  ) throws(AdapterError) {
    if patterns.isEmpty { return }
    // Whole paths, and what may stand in their place: the last names.
    var names: [String] = []
    for path in paths {
      for name in [path.lastName, path] where !names.contains(name) { names.append(name) }
    }
    var nearest: [String] = []
    for pattern in patterns {
      for name in nearestNames(to: pattern, among: names, count: 3) where !nearest.contains(name) {
        nearest.append(name)
      }
    }
    throw .deadPatterns(setting: setting, patterns: patterns, nearest: nearest)
  }
}
