public import PEFTTensor

extension RankAllocator {
  /// The step, the running means, the pattern and the log.
  public var state: [String: Tensor] {
    var state = ["step": Tensor([Float(step)])]
    for (name, parameter) in namedParameters {
      guard let means = means[ObjectIdentifier(parameter)] else { continue }
      state["sensitivity.\(name)"] = means.sensitivity.copied()
      state["uncertainty.\(name)"] = means.uncertainty.copied()
    }
    for (path, kept) in zip(paths, kept ?? []) {
      state["kept.\(path)"] = Tensor(kept.map { $0 ? 1 : 0 })
    }
    if !history.isEmpty {
      let numbers = history.flatMap { [$0.step, $0.budget] + $0.ranks }
      state["history"] = Tensor(
        numbers.map(Float.init), shape: [history.count, 2 + paths.count])
    }
    return state
  }

  /// Takes over what `state` gave.
  public func restore(_ state: [String: Tensor]) throws(AdapterError) {
    var remaining = state
    func take(_ name: String, _ shape: [Int]) throws(AdapterError) -> Tensor? {
      guard let tensor = remaining.removeValue(forKey: name) else { return nil }
      guard tensor.shape == shape else {
        throw .invalidSetting(
          "state", expected: "\(name) of shape \(shape)", found: "\(tensor.shape)")
      }
      return tensor
    }
    guard let step = try take("step", [1])?.item, let step = Int(exactly: step), step >= 0 else {
      throw .invalidSetting("state", expected: "a number of steps", found: "none")
    }
    var means: [ObjectIdentifier: Means] = [:]
    for (name, parameter) in namedParameters {
      let sensitivity = try take("sensitivity.\(name)", parameter.shape)
      let uncertainty = try take("uncertainty.\(name)", parameter.shape)
      guard let sensitivity, let uncertainty else {
        if sensitivity == nil, uncertainty == nil { continue }
        throw .invalidSetting(
          "state", expected: "both running means of \(name)", found: "one of them")
      }
      means[ObjectIdentifier(parameter)] = Means(
        sensitivity: sensitivity.copied(), uncertainty: uncertainty.copied())
    }
    var kept: [[Bool]] = []
    for (path, layer) in zip(paths, layers) {
      if let values = try take("kept.\(path)", [layer.e.count]) {
        kept.append(values.array.map { $0 != 0 })
      }
    }
    if !kept.isEmpty, kept.count != paths.count {
      throw .invalidSetting(
        "state", expected: "the pattern of \(paths.count) layers", found: "\(kept.count)")
    }
    let entries = state["history"]?.shape.first ?? 0
    let numbers = try take("history", [entries, 2 + paths.count])?.array.map { Int($0) } ?? []
    if let name = remaining.keys.min() {
      throw .invalidSetting("state", expected: "that of this adapter", found: name)
    }
    (self.step, self.means, self.kept) = (step, means, kept.isEmpty ? nil : kept)
    history = stride(from: 0, to: numbers.count, by: 2 + paths.count).map {
      Allocation(
        step: numbers[$0], budget: numbers[$0 + 1],
        ranks: Array(numbers[$0 + 2..<$0 + 2 + paths.count]))
    }
  }

  private var namedParameters: [(name: String, parameter: Parameter)] {
    zip(paths, layers).flatMap { path, layer in
      [("\(path).lora_A", layer.a), ("\(path).lora_B", layer.b), ("\(path).lora_E", layer.e)]
    }
  }
}
