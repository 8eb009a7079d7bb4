public import PEFTTensor
public import PEFTTransformer

/// A sparse change of weights: `y = W x + s S x`, where S has the shape of W and trained values at some places, which are
/// chosen once.
///
/// By where the places come from, this is SHiRA ("Sparse High Rank Adapters", arXiv 2406.13175; the default, as in Hugging
/// Face PEFT: R (N + M) random places in each layer), FISH mask (arXiv 2111.09839), GPS (arXiv 2312.10136) or another
/// choice: see `SparseChoice` and `chooseMasks`. Only the values are parameters, so that nothing else gets a gradient, decays or drifts,
/// whatever the optimiser. They start at zero, without effect.
///
/// A step costs 2 `count` flops a token for the output, and as many for each gradient, beside the base; W and its gradient
/// are not touched. Folders are PEFT's (`SHIRA`) where every layer has R (N + M) places, s is 1 and the weights
/// are those of `Linear`, which is what PEFT can load; else of a type of this package (`SPARSE_DELTA`) with the
/// same tensors. PyTorch's random places for a seed are not reproduced.
public struct SparseDelta: AdapterMethod, Hashable {
  /// `SHIRA`.
  public static let type = "SHIRA"
  /// The type in folders that PEFT could not load.
  static let ownType = "SPARSE_DELTA"

  /// The places; nil for random ones.
  public var masks: SparseMasks?
  /// R: without masks, R (N + M) places are chosen in a weight `[M, N]`.
  public var rank: Int
  /// s.
  public var scale: Float = 1
  /// Which modules are adapted, linear layers only, and what is trained beside them.
  public var selection: ModuleSelection

  /// SHiRA with random places.
  public init(rank: Int = 32, targets: Targets = .attention) {
    self.rank = rank
    selection = ModuleSelection(targets)
  }

  /// A sparse change at chosen places, in the layers that have some.
  public init(masks: SparseMasks) {
    self.init(targets: .names(masks.places.keys.sorted()))
    self.masks = masks
  }

  /// Refuses scales and ranks out of range, and masks without a place.
  public func checkSettings() throws(AdapterError) {
    if !scale.isFinite {
      throw .invalidSetting("scale", expected: "a finite number", found: "\(scale)")
    }
    try LoRA.checkRank(rank, "r")
    try selection.refuseAllBut([.layers])
    if let masks, masks.count == 0 {
      throw .invalidSetting("masks", expected: "places in some layer", found: "none")
    }
  }

  /// The values beside a linear layer.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard let layer = site.linear else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); a sparse change adapts linear layers")
    }
    let (rows, columns, scale) = (layer.outputs, layer.inputs, scale)
    let pattern: SparsePattern
    if let masks {
      pattern = try masks.pattern(at: site.path, rows: rows, columns: columns)
    } else {
      let count = rank * (rows + columns)
      var generator = Generator(seed: seed, path: site.path)
      guard count <= rows * columns,
        let random = SparseMasks.random(count, rows: rows, columns: columns, &generator)
      else {
        throw .notAdaptable(
          module: site.path,
          reason: "rank \(rank) asks for \(count) of the \(rows * columns) elements of its weight")
      }
      pattern = random
    }
    let tensors = TensorsBlueprint([.init("shira_weight", [pattern.count])]) { _ in
      ["shira_weight": Tensor(zeros: [pattern.count])]
    }
    return LayerBlueprint(tensors) {
      SparseDeltaLayer(values: $0["shira_weight"]!, places: pattern, scale: scale)
    }
  }
}

/// A sparse change of one linear layer.
public final class SparseDeltaLayer: LinearAdapterLayer, SparseLayer {
  /// Always.
  public var isSummand: Bool { true }
  /// The trained elements of S.
  public let values: Parameter
  /// The places of S, `[M, N]`.
  public let places: SparsePattern
  /// s.
  public let scale: Float

  init(values: Parameter, places: SparsePattern, scale: Float) {
    (self.values, self.places, self.scale) = (values, places, scale)
  }

  var pattern: SparsePattern? { places }

  /// What is inside plus `s x S^T`.
  public func forward(
    _ input: Tensor, base: Linear, _ context: ForwardContext, inner: (Tensor) -> Tensor
  ) -> Tensor {
    inner(input).adding(places, values: values.tensor, of: input, scale: scale)
  }

  /// `W + s S`.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    var result = map
    result.weight = map.weight + places.dense(values.value) * scale
    return result
  }
}
