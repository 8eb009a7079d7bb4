public import PEFTTensor
public import PEFTTransformer

extension AdapterHost {
  /// Chooses masks by the gradients of some losses.
  ///
  /// The gradient of each weight is computed in float32 on whatever storage it has, used and dropped within the backward
  /// pass of its layer; the float32 scores stay until their layer is done. The base alone runs, whatever adapters
  /// there are, and nothing of the model changes: gradients that were gathered are still there afterwards.
  ///
  ///     let masks = try model.chooseMasks(.fish(), for: .allLinear, over: batches) {
  ///       model.loss($0, isTraining: false)
  ///     }
  ///     try model.attach(SparseDelta(masks: masks))
  ///
  /// - Parameters:
  ///   - choice: scorer, scope and budget.
  ///   - targets: the linear layers.
  ///   - batches: what the losses are computed from; single examples for Fisher's information.
  ///   - layersAtOnce: of so many layers scores are held at a time, at the price of a pass over the batches for each such group; nil
  ///     for all. Not for the global scope, which compares all scores.
  ///   - loss: a scalar of the model.
  /// - Returns: the masks.
  /// - Throws: `AdapterError` for targets and budgets that make no sense and scores that are not finite, and what `loss` throws.
  public func chooseMasks<Batches: Collection>(
    _ choice: SparseChoice, for targets: Targets, over batches: Batches, layersAtOnce: Int? = nil,
    loss: (Batches.Element) throws -> Tensor
  ) throws -> SparseMasks {
    let layers = try linearLayers(targets)
    let size = choice.scope == .global ? layers.count : layersAtOnce ?? layers.count
    precondition(size > 0, "chooseMasks: \(size) layers at once")
    var masks = SparseMasks()
    for start in stride(from: 0, to: layers.count, by: size) {
      let group = Array(layers[start..<min(layers.count, start + size)])
      var scores = try choice.scores(of: group) { receive in
        try withWeightGradients(of: group.map(\.layer), receive) {
          for batch in batches { try loss(batch).backward() }
        }
      }
      try choice.choose(from: &scores, of: group, into: &masks)
    }
    return masks
  }

  /// Chooses masks by values or at random, without any loss.
  ///
  /// - Parameters:
  ///   - choice: with the scorer `.magnitude` or `.random`.
  ///   - targets: the linear layers.
  /// - Returns: the masks.
  /// - Throws: `AdapterError` for targets and budgets that make no sense, and for a scorer that needs losses.
  public func chooseMasks(
    _ choice: SparseChoice, for targets: Targets
  ) throws(AdapterError) -> SparseMasks {
    if choice.scorer.usesGradients {
      throw .invalidSetting(
        "scorer", expected: "magnitude or random, where there are no losses",
        found: "\(choice.scorer)")
    }
    let layers = try linearLayers(targets)
    var masks = SparseMasks()
    var scores = try choice.scores(of: layers) { _ throws(AdapterError) in }
    try choice.choose(from: &scores, of: layers, into: &masks)
    return masks
  }

  private func linearLayers(
    _ targets: Targets
  ) throws(AdapterError) -> [(path: String, layer: Linear)] {
    let resolution = try Resolution(
      LinearLayers(selection: ModuleSelection(targets)), self, isStrict: true)
    return resolution.sites.compactMap { site, _ in site.linear.map { (site.path, $0) } }
  }
}

/// Selects linear layers and adapts nothing.
private struct LinearLayers: AdapterMethod {
  static let type = "LINEAR_LAYERS"
  var selection: ModuleSelection

  func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard site.linear != nil else {
      throw .notAdaptable(
        module: site.path, reason: "masks are chosen in the weights of linear layers only")
    }
    return LayerBlueprint(copies: [])
  }
}

extension SparseChoice {
  /// The scores of some layers, `[M, N]` each.
  fileprivate func scores<Failure: Error>(
    of layers: [(path: String, layer: Linear)],
    _ run: (_ receive: @escaping (Int, Tensor) -> Void) throws(Failure) -> Void
  ) throws(Failure) -> [Tensor] {
    let sums = GradientSums(scorer, count: layers.count)
    if scorer.usesGradients { try run(sums.add) }
    return withoutGradients {
      layers.enumerated().map { index, named in
        let (path, layer) = named
        let shape = [layer.outputs, layer.inputs]
        let sum = sums.tensors[index] ?? Tensor(zeros: shape)
        switch scorer {
        case .squaredGradient, .absoluteGradient: return sum
        case .gradient: return sum.magnitudes
        case .saliency: return (layer.denseWeight * sum).magnitudes
        case .magnitude: return layer.denseWeight.magnitudes
        case .random:
          var generator = Generator(seed: seed, path: path)
          return Tensor(uniform: 0..<1, shape: shape, using: &generator)
        }
      }
    }
  }

  /// Adds the places of the highest scores to the masks, and frees the scores.
  fileprivate func choose(
    from scores: inout [Tensor], of layers: [(path: String, layer: Linear)],
    into masks: inout SparseMasks
  ) throws(AdapterError) {
    for (score, (path, _)) in zip(scores, layers) where !score.isFinite {
      throw .notAdaptable(module: path, reason: "a score of its weight is not finite")
    }
    let shapes = layers.map { (rows: $0.layer.outputs, columns: $0.layer.inputs) }
    var places: [[Int]] = []
    switch scope {
    case .global:
      let size = shapes.reduce(0) { $0 + $1.rows * $1.columns }
      places = LargestElements.places(in: scores, count: try count(size: size, shapes: shapes))
    case .layer:
      for (score, shape) in zip(scores, shapes) {
        let count = try count(size: score.count, shapes: [shape])
        places += LargestElements.places(in: [score], count: count)
      }
    case .row:
      for (score, shape) in zip(scores, shapes) {
        let count = try count(size: shape.columns, shapes: [shape])
        places.append(LargestElements.placesByRow(in: score, count: count))
      }
    }
    for (flat, (path, layer)) in zip(places, layers) where !flat.isEmpty {
      masks.places[path] = .init(flat: flat, columns: layer.inputs)
    }
    scores = []
  }
}
