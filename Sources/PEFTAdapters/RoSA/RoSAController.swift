public import PEFTTensor

/// Gathers gradients when the schedule says so, and chooses the places of S when it is over.
public final class RoSAController: AdapterController {
  /// What is done at the next step.
  public enum Phase: Sendable, Hashable {
    /// Gradients are not gathered yet.
    case waiting
    /// Gradients are gathered.
    case gathering
    /// The places are chosen, or there are none to choose.
    case chosen
  }

  /// How many steps the optimiser has taken.
  public private(set) var steps = 0
  private let layers: [(path: String, layer: RoSALayer)]
  private let stepsBefore: Int?
  private let gradientSteps: Int
  private let accumulation: RoSA.Accumulation
  private var sums: GradientSums

  init(_ adapter: Adapter, _ method: RoSA) {
    layers = adapter.layers(of: RoSALayer.self).map { ($0.site.path, $0.layer) }
      .filter { $0.layer.values != nil }
    (stepsBefore, gradientSteps) = (method.schedule.stepsBefore, method.gradientSteps)
    accumulation = method.accumulation
    sums = Self.sums(accumulation, layers.count)
    observe()
  }

  /// What is done at the next step.
  public var phase: Phase {
    guard let stepsBefore, layers.contains(where: { $0.layer.pattern == nil }) else {
      return .chosen
    }
    return steps < stepsBefore ? .waiting : .gathering
  }

  /// True until the places are chosen: the gradients that are gathered are those of whole weights.
  public var seesRowsOfThisProcess: Bool { phase != .chosen }

  /// Counts the step, and chooses the places after the last one whose gradients count.
  public func parametersDidChange(gradientScale: Float) {
    let isGathering = phase == .gathering
    steps += 1
    if isGathering, let stepsBefore, steps >= stepsBefore + gradientSteps { choose() }
    observe()
  }

  private static func sums(_ accumulation: RoSA.Accumulation, _ count: Int) -> GradientSums {
    GradientSums(accumulation == .mean ? .gradient : .squaredGradient, count: count)
  }

  /// Lets the layers hand over their gradients while they are gathered.
  private func observe() {
    let isGathering = phase == .gathering
    for (index, (_, layer)) in layers.enumerated() {
      layer.receive =
        !isGathering
        ? nil
        : { [unowned self] gradient in
          // The optimiser takes no step either where a gradient is not finite.
          if gradient.isFinite { sums.add(index, gradient) }
        }
    }
  }

  /// The largest in each layer.
  private func choose() {
    for (index, (_, layer)) in layers.enumerated() where layer.pattern == nil {
      guard let values = layer.values, let sum = sums.tensors[index] else { continue }
      let score = withoutGradients { accumulation == .mean ? sum.magnitudes : sum }
      guard score.isFinite else { continue }
      let flat = LargestElements.places(in: [score], count: values.count)[0]
      let places = SparseMasks.Places(flat: flat, columns: score.columns)
      layer.pattern = SparsePattern(
        rows: score.shape[0], columns: score.columns, rowIndices: places.rows,
        columnIndices: places.columns)
    }
    sums = Self.sums(accumulation, layers.count)
  }

  // MARK: State

  /// The steps taken, sums of gradients and the places that are chosen, `[2, n]`.
  public var state: [String: Tensor] {
    var state = ["steps": Tensor(Float(steps))]
    for (index, (path, layer)) in layers.enumerated() {
      if let sum = sums.tensors[index] { state["sum.\(path)"] = sum.copied() }
      if let pattern = layer.pattern {
        let indices = pattern.indices
        state["places.\(path)"] = Tensor(indices.values.map(Float.init), shape: indices.shape)
      }
    }
    return state
  }

  /// Takes over what `state` gave.
  public func restore(_ state: [String: Tensor]) throws(AdapterError) {
    var remaining = state
    guard let count = remaining.removeValue(forKey: "steps"), count.count == 1,
      let steps = Int(exactly: count.item), steps >= 0
    else { throw Self.misfit("steps", "a number of steps") }
    var patterns: [SparsePattern?] = []
    let sums = Self.sums(accumulation, layers.count)
    for (index, (path, layer)) in layers.enumerated() {
      let shape = layer.shape
      if let sum = remaining.removeValue(forKey: "sum.\(path)") {
        guard sum.shape == shape else { throw Self.misfit("sum.\(path)", "the shape \(shape)") }
        sums.set(index, sum.copied())
      }
      guard let tensor = remaining.removeValue(forKey: "places.\(path)") else {
        patterns.append(nil)
        continue
      }
      let whole = tensor.array.map { Int32(exactly: $0) ?? -1 }
      guard let places = SparseMasks.Places(Indices(whole, shape: tensor.shape)),
        places.count == layer.values?.count,
        let pattern = SparsePattern(
          rows: shape[0], columns: shape[1], rowIndices: places.rows, columnIndices: places.columns)
      else { throw Self.misfit("places.\(path)", "as many places of \(shape) as there are values") }
      patterns.append(pattern)
    }
    if let name = remaining.keys.min() { throw Self.misfit(name, "a name that this adapter knows") }
    for ((_, layer), pattern) in zip(layers, patterns) { layer.pattern = pattern }
    (self.steps, self.sums) = (steps, sums)
    observe()
  }

  private static func misfit(_ name: String, _ expected: String) -> AdapterError {
    .invalidSetting("state", expected: expected, found: name)
  }
}
