public import PEFTTensor

/// Decides after every optimiser step which triplets of an AdaLoRA adapter are kept.
public final class RankAllocator: AdapterController {
  /// What the budget was when it changed, and the ranks that it was given to.
  public struct Allocation: Sendable, Hashable {
    /// The step, counted from 0.
    public var step: Int
    /// How many ranks there were to give.
    public var budget: Int
    /// The rank of every layer, in the order of `paths`.
    public var ranks: [Int]
  }

  /// The paths of the layers, in the order of the model.
  public let paths: [String]
  /// How the budget falls.
  public let schedule: BudgetSchedule
  /// How many steps the optimiser has taken.
  public internal(set) var step = 0
  /// The first allocation of every budget so far: at most one more than the budgets that there are.
  public internal(set) var history: [Allocation] = []

  let method: AdaLoRA
  let layers: [AdaLoRALayer]
  /// The running means of every parameter that gradients were seen of; emptied by the last allocation.
  var means: [ObjectIdentifier: Means] = [:]
  /// Which of the triplets that a layer has are left; nil before the first allocation.
  var kept: [[Bool]]?

  /// The running means of the importance of one parameter, and of its uncertainty.
  struct Means {
    var sensitivity: Tensor
    var uncertainty: Tensor
  }

  init(_ method: AdaLoRA, _ adapter: Adapter) {
    self.method = method
    let layers = adapter.layers(of: AdaLoRALayer.self)
    paths = layers.map(\.site.path)
    self.layers = layers.map(\.layer)
    schedule = BudgetSchedule(
      initial: layers.reduce(0) { $0 + $1.layer.e.count },
      target: method.targetRank * layers.count, totalSteps: method.totalSteps,
      initialSteps: method.initialSteps, finalSteps: method.finalSteps, interval: method.interval)
  }

  /// The rank of every layer at the moment, in the order of `paths`.
  public var ranks: [Int] {
    layers.enumerated().map { index, layer in
      kept?[index].lazy.filter { $0 }.count ?? layer.e.count
    }
  }

  /// How many ranks there are to give at the present step.
  public var budget: Int { schedule(step).budget }

  /// The weighted distance of P and Q from orthogonality; nil where its weight is 0.
  public var penalty: Tensor? {
    if method.orthogonalityWeight == 0 || layers.isEmpty { return nil }
    let isSquared = method.orthogonality == .sumOfSquares
    let terms = layers.flatMap { layer in
      [
        layer.a.tensor.distanceFromOrthogonality(ofRows: true, squared: isSquared),
        layer.b.tensor.distanceFromOrthogonality(ofRows: false, squared: isSquared),
      ]
    }
    let sum = terms.dropFirst().reduce(terms[0]) { $0 + $1 }
    return sum * Float(method.orthogonalityWeight / (isSquared ? 1 : Double(terms.count)))
  }

  /// Takes the importance from the weights that the gradients belong to, where the settings say so.
  public func parametersWillChange(gradientScale: Float) {
    if method.importance == .beforeStep { observe(gradientScale) }
  }

  /// Takes the importance from the changed weights, where the settings say so, and allocates the ranks of this step.
  public func parametersDidChange(gradientScale: Float) {
    guard hasGradients else { return }
    if method.importance == .afterStep { observe(gradientScale) }
    let (budget, allocates) = schedule(step)
    if step > schedule.lastAllocation {
      prune()
    } else if allocates {
      allocate(budget)
      prune()
      if step == schedule.lastAllocation { means = [:] }
    }
    step += 1
  }

  private var hasGradients: Bool { layers.contains { $0.e.gradient != nil } }

  private func observe(_ gradientScale: Float) {
    guard step < schedule.lastAllocation, hasGradients else { return }
    for parameter in layers.flatMap({ [$0.a, $0.b, $0.e] }) {
      guard let gradient = parameter.gradient else { continue }
      let key = ObjectIdentifier(parameter)
      let means =
        means[key]
        ?? Means(
          sensitivity: Tensor(zeros: parameter.shape), uncertainty: Tensor(zeros: parameter.shape))
      self.means[key] = means
      ImportanceKernels.update(
        sensitivity: means.sensitivity, uncertainty: means.uncertainty, value: parameter.value,
        gradient: gradient, gradientScale: gradientScale,
        decays: (Float(method.sensitivityDecay), Float(method.uncertaintyDecay)))
    }
  }

  /// Keeps the triplets whose scores are above that of the last one that the budget leaves out.
  private func allocate(_ budget: Int) {
    let scores = layers.map(scores)
    let sorted = scores.flatMap { $0 }.sorted()
    let excess = sorted.count - budget
    let threshold = excess > 0 ? sorted[excess - 1] : -.infinity
    kept = scores.map { $0.map { $0 > threshold } }
    if history.last?.budget != budget {
      history.append(Allocation(step: step, budget: budget, ranks: ranks))
    }
  }

  /// The scores of the triplets of a layer; all zero before the first gradient.
  private func scores(_ layer: AdaLoRALayer) -> [Float] {
    func elements(_ parameter: Parameter) -> Tensor {
      guard let means = means[ObjectIdentifier(parameter)] else {
        return Tensor(zeros: parameter.shape)
      }
      return withoutGradients { means.sensitivity * means.uncertainty }
    }
    return Self.scores(
      lambda: elements(layer.e), rows: elements(layer.a), columns: elements(layer.b))
  }

  /// The score of lambda, plus the means of those of the row of Q and the column of P: equation 7 of the paper.
  package static func scores(lambda: Tensor, rows: Tensor, columns: Tensor) -> [Float] {
    if lambda.count == 0 { return [] }
    return withoutGradients {
      (lambda.reshaped([lambda.count]) + (rows.mean(axis: 1) + columns.mean(axis: 0))).array
    }
  }

  /// Sets lambda to zero where a triplet is not kept.
  private func prune() {
    guard let kept else { return }
    for (layer, kept) in zip(layers, kept) where kept.contains(false) {
      let values = zip(layer.e.value.array, kept).map { $1 ? $0 : 0 }
      layer.e.value = Tensor(values, shape: layer.e.shape)
    }
  }
}

extension Adapter {
  /// What decides about the ranks of an AdaLoRA adapter, with the log of what it decided; nil for another method.
  public var rankAllocator: RankAllocator? { controller as? RankAllocator }
}
