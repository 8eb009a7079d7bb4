public import PEFTTensor
import PEFTTransformer

/// The ranks of a DyLoRA adapter: one that is drawn for every step of the training, and one that is chosen for the rest.
///
/// What is computed outside `withoutGradients` counts as training.
public final class NestedRanks: AdapterController {
  /// R.
  public var maximum: Int { method.rank }
  /// How many steps the optimiser has taken.
  public private(set) var step = 0
  private let method: DyLoRA
  private let layers: [DyLoRALayer]
  private let choice: RankChoice
  private weak var adapter: Adapter?

  init(_ method: DyLoRA, _ adapter: Adapter) {
    (self.method, self.adapter) = (method, adapter)
    layers = adapter.layers(of: DyLoRALayer.self).map(\.layer)
    choice = RankChoice(training: method.rank(ofStep: 0), evaluation: method.rank)
    for layer in layers { layer.choice = choice }
  }

  /// The rank that the present step trains.
  public var drawn: Int { choice.training }

  /// The rank of everything but training, merging included; R at first.
  public var rank: Int { choice.evaluation }

  /// Chooses the rank of everything but training.
  ///
  /// - Parameter rank: in `1...maximum`.
  /// - Throws: `AdapterError` for another rank, and while the adapter is merged at the present one.
  public func select(_ rank: Int) throws(AdapterError) {
    if !(1...maximum).contains(rank) {
      throw .invalidSetting("rank", expected: "a rank from 1 to \(maximum)", found: "\(rank)")
    }
    if let adapter, adapter.isMerged, rank != self.rank {
      throw .wrongState(
        "\"\(adapter.name)\" is merged at rank \(self.rank); unmerge it before it gets another")
    }
    choose(rank)
  }

  private func choose(_ rank: Int) {
    choice.evaluation = rank
    adapter?.host?.adapters.noteChange()
  }

  /// What `body` says at every rank, from 1 on; the rank before comes back afterwards.
  ///
  /// - Parameter body: runs without gradients, as an evaluation does.
  /// - Returns: one result for each rank.
  /// - Throws: what `body` throws, and `AdapterError` while the adapter is merged.
  public func evaluate<Result>(
    _ body: (_ rank: Int) throws -> Result
  ) throws -> [(rank: Int, result: Result)] {
    let before = rank
    defer { choose(before) }
    return try (1...maximum).map { rank in
      try select(rank)
      return (rank, try withoutGradients { try body(rank) })
    }
  }

  /// Writes a folder with the LoRA that is the same at a rank, which Hugging Face PEFT loads.
  ///
  /// - Parameters:
  ///   - rank: in `1...maximum`.
  ///   - folder: is made where it does not exist.
  ///   - baseModel: the name or path of the base that the file mentions; nil for the folder of the model.
  /// - Returns: the folder that holds the files.
  /// - Throws: `AdapterError` for another rank, or where something cannot be written.
  @discardableResult
  public func export(
    rank: Int, to folder: String, baseModel: String? = nil
  ) throws(AdapterError) -> String {
    if !(1...maximum).contains(rank) {
      throw .invalidSetting("rank", expected: "a rank from 1 to \(maximum)", found: "\(rank)")
    }
    guard let adapter else { throw .wrongState("the adapter is gone") }
    let factors = adapter.layers(of: DyLoRALayer.self).map { site, layer in
      let (a, b) = layer.factors(rank: rank)
      return (site.path, a, b)
    }
    return try adapter.export(method.lora(rank: rank), factors, to: folder, baseModel: baseModel)
  }

  /// Draws the rank of the next step.
  public func parametersDidChange(gradientScale: Float) {
    let isTrained = layers.contains { $0.b[choice.training - 1].gradient != nil }
    if isTrained { advance(to: step + 1) }
  }

  private func advance(to step: Int) {
    self.step = step
    choice.training = method.rank(ofStep: step)
  }

  /// The number of steps, from which the ranks follow, and the rank of evaluation.
  public var state: [String: Tensor] { ["steps": Tensor([Float(step), Float(rank)])] }

  /// Takes over what `state` gave.
  public func restore(_ state: [String: Tensor]) throws(AdapterError) {
    let numbers = state["steps"]?.array.map { Int($0) } ?? []
    guard state.count == 1, numbers.count == 2, numbers[0] >= 0,
      (1...maximum).contains(numbers[1])
    else {
      throw .invalidSetting(
        "state", expected: "a number of steps and a rank",
        found: state.keys.sorted().joined(separator: ", "))
    }
    advance(to: numbers[0])
    choose(numbers[1])
  }
}

extension DyLoRA {
  /// The rank that a step trains; follows from the seed and the number of the step alone.
  public func rank(ofStep step: Int) -> Int {
    var generator = Generator(seed: Generator.mix(selection.seed &+ 0x9E37) ^ UInt64(step))
    let number = generator.uniform()
    switch distribution {
    case .uniform: return 1 + min(rank - 1, Int(number * Double(rank)))
    case .geometric(let probability):
      var (weights, weight) = ([Double](), 1.0)
      for _ in 0..<rank {
        weights.append(weight)
        weight *= 1 - probability
      }
      var rest = number * weights.reduce(0, +)
      for (index, weight) in weights.enumerated() {
        rest -= weight
        if rest < 0 { return index + 1 }
      }
      return rank
    }
  }
}

extension Adapter {
  /// The ranks of a DyLoRA adapter; nil for another method.
  public var nestedRanks: NestedRanks? { controller as? NestedRanks }
}
