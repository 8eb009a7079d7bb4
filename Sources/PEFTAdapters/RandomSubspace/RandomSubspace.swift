import PEFTTensor
import PEFTTransformer

/// Random subspace adaptation: `y = (W' + B A) x`, where B A is a random part of the singular value decomposition of the
/// weight and W' the rest, and another part is drawn from time to time.
///
/// "ROSA: Random Subspace Adaptation for Efficient Fine-Tuning" (arXiv 2407.07802), by its reference (rosa-paper/rosa). A
/// window of R neighbouring singular directions I is drawn, each window with the same chance: B = `U[:, I] S[I]`,
/// `[M, R]`, A = `V^T[I, :]`, `[R, N]`. Drawing again adds B A to W', decomposes the sum and starts both anew, so that changes of any rank
/// are reached with the optimiser's memory of rank R: what the optimiser remembers of A and B is dropped then. The schedule
/// of the learning rate is the caller's to restart, as the reference does each epoch.
///
/// Offered are the reference's `svd_equal` (the default here: the function stays), `svd_add` and `random_add`. Its
/// `random_proj` is left out, since its matrix has a side of the wrong axis unless the weight is square; and the last window is
/// drawn as well, which the reference leaves out.
///
/// A float32 matrix W' of the size of each adapted weight is kept and stored ("save the full weights"), whatever the
/// precision of the base, and takes its place while the adapter is active: another adapter that is merged into the base meanwhile
/// has no effect on these layers. A step costs what LoRA costs on a float32 base; drawing costs a decomposition of
/// each weight. PEFT does not know the method: folders have the type `RANDOM_SUBSPACE`, with `rosa_A.weight`, `rosa_B.weight` and
/// `rosa_weight` as the weight of the base lies.
public struct RandomSubspace: AdapterMethod, Hashable {
  /// `RANDOM_SUBSPACE`.
  public static let type = "RANDOM_SUBSPACE"

  /// R.
  public var rank: Int
  /// How A and B are made of the weight.
  public var factorization = Factorization.svdEqual
  /// After how many steps of the optimiser another part is drawn, each time; nil to call `resample()` instead.
  public var interval: Int?
  /// Which modules are adapted, linear layers only, and what is trained beside them.
  public var selection: ModuleSelection

  /// How A and B are made of the weight.
  public enum Factorization: String, Sendable, Hashable {
    /// A window of the decomposition, which is taken out of W': the function stays.
    case svdEqual = "svd_equal"
    /// A window of the decomposition, on top of the whole weight: it counts twice, and the function changes.
    case svdAdd = "svd_add"
    /// A uniform in `+-1 / sqrt(N)` and B zero, as LoRA starts: the function stays.
    case randomAdd = "random_add"
  }

  /// Settings; the others have defaults that can be set afterwards.
  public init(rank: Int = 8, interval: Int? = nil, targets: Targets = .attention) {
    (self.rank, self.interval) = (rank, interval)
    selection = ModuleSelection(targets)
  }

  /// Refuses ranks and intervals out of range.
  public func checkSettings() throws(AdapterError) {
    try LoRA.checkRank(rank, "r")
    try selection.refuseAllBut([.layers])
    if let interval, interval < 1 {
      throw .invalidSetting("interval", expected: "a positive number", found: "\(interval)")
    }
  }

  /// A, B and W' beside a linear layer.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard let layer = site.linear else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); a subspace is one of a linear layer")
    }
    guard rank <= min(layer.outputs, layer.inputs) else {
      throw .notAdaptable(
        module: site.path,
        reason: "its weight [\(layer.outputs), \(layer.inputs)] has no \(rank) singular directions")
    }
    let (host, path, weight) = (site.host, site.path, layer.weight)
    let entries: [TensorsBlueprint.Entry] = [
      .init("rosa_A.weight", [rank, layer.inputs]), .init("rosa_B.weight", [layer.outputs, rank]),
      .init("rosa_weight", weight.shape, .kept),
    ]
    let tensors = TensorsBlueprint(entries) {
      [unowned host, rank, factorization, layout = layer.layout]
      (generator) throws(AdapterError) in
      let parts = try factorization.parts(
        of: host.baseValue(weight), layout, rank: rank, path, &generator)
      return ["rosa_A.weight": parts.a, "rosa_B.weight": parts.b, "rosa_weight": parts.rest]
    }
    return LayerBlueprint(tensors, rank: rank) { [unowned host, layout = layer.layout] in
      RandomSubspaceLayer(
        a: $0["rosa_A.weight"]!, b: $0["rosa_B.weight"]!, rest: $0["rosa_weight"]!, layout: layout
      ) { host.baseValue(weight) }
    }
  }

  /// Draws subspaces by the steps of the optimiser, or when it is told to.
  public func controller(_ adapter: Adapter) -> (any AdapterController)? {
    RandomSubspaceController(adapter, self)
  }
}
