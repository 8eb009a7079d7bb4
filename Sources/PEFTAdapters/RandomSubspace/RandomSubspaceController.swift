public import PEFTTensor

/// Draws the subspaces of an adapter anew.
public final class RandomSubspaceController: AdapterController {
  /// How many steps the optimiser has taken.
  public private(set) var steps = 0
  /// How many times subspaces were drawn after the first.
  public private(set) var draws = 0
  private let layers: [(path: String, layer: RandomSubspaceLayer)]
  private let method: RandomSubspace

  init(_ adapter: Adapter, _ method: RandomSubspace) {
    layers = adapter.layers(of: RandomSubspaceLayer.self).map { ($0.site.path, $0.layer) }
    self.method = method
  }

  /// Adds what was trained to W', and draws another subspace for every layer; for the beginning of an epoch.
  ///
  /// The optimiser begins anew with A and B. With `svdEqual` and `randomAdd` the outputs of the model stay the same but
  /// for rounding.
  ///
  /// - Throws: `AdapterError.notAdaptable` for a weight with numbers that are not finite; nothing is changed then.
  public func resample() throws(AdapterError) {
    var parts: [(a: Tensor, b: Tensor, rest: Tensor)] = []
    for (path, layer) in layers {
      var generator = Generator(seed: method.seed &+ UInt64(draws) &+ 1, path: path)
      parts.append(
        try method.factorization.parts(
          of: layer.whole, layer.layout, rank: method.rank, path, &generator))
    }
    draws += 1
    for ((_, layer), part) in zip(layers, parts) {
      (layer.a.value, layer.b.value, layer.rest.value) = (part.a, part.b, part.rest)
      layer.a.forgetHistory()
      layer.b.forgetHistory()
    }
  }

  /// Counts the step, and draws where it is time; weights that are not finite stay as they are.
  public func parametersDidChange(gradientScale: Float) {
    steps += 1
    if let interval = method.interval, steps % interval == 0 { try? resample() }
  }

  /// The steps taken and the subspaces drawn.
  public var state: [String: Tensor] {
    ["steps": Tensor(Float(steps)), "draws": Tensor(Float(draws))]
  }

  /// Takes over what `state` gave.
  public func restore(_ state: [String: Tensor]) throws(AdapterError) {
    var counts: [String: Int] = [:]
    for name in ["steps", "draws"] {
      guard let tensor = state[name], tensor.count == 1, let count = Int(exactly: tensor.item),
        count >= 0
      else { throw .invalidSetting("state", expected: "numbers of steps and draws", found: name) }
      counts[name] = count
    }
    if let name = state.keys.filter({ counts[$0] == nil }).min() {
      throw .invalidSetting("state", expected: "steps and draws", found: name)
    }
    (steps, draws) = (counts["steps"] ?? 0, counts["draws"] ?? 0)
  }
}
