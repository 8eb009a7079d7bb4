import PEFTTensor
public import PEFTTransformer

/// Vector-based random matrix adaptation: `y = W x + b * (B (d * (A dropout(x))))` with trained vectors `d` `[R]` and `b` `[M]`.
///
/// "VeRA: Vector-based Random Matrix Adaptation" (arXiv 2310.11454), with the settings, defaults and file format of Hugging Face PEFT. A
/// `[R, N]` and B `[M, R]` are random, frozen and shared: one pair as large as the largest adapted layer, of which each layer takes the first columns or
/// rows. R + M parameters a layer; the cost of LoRA's branch at the same rank and of `M R` products for the scaled B.
///
/// A and B are those that PyTorch makes of `projectionKey`, to the bit, so that files without them mean the same here and there.
public struct VeRA: AdapterMethod, Hashable {
  /// `VERA`.
  public static let type = "VERA"

  /// R; larger than LoRA's, since it costs few parameters.
  public var rank: Int
  /// The probability of an input element of the branch to be dropped in training.
  public var dropout: Float
  /// What `d` starts with.
  public var initialScale = 0.1
  /// The seed of A and B (`projection_prng_key`).
  public var projectionKey = 0
  /// Whether files have A and B; else they are made again from the key.
  public var savesProjection = true
  /// Whether `d` starts with `initialScale` and `b` with zeros; else with random numbers and ones, and the adapter changes the model from
  /// the start.
  public var startsAsIdentity = true
  /// Which modules are adapted, and what is trained beside them.
  public var selection: ModuleSelection

  static let names = (a: "base_model.vera_A", b: "base_model.vera_B")

  /// Settings; the others have defaults that can be set afterwards.
  public init(rank: Int = 256, dropout: Float = 0, targets: Targets = .attention) {
    (self.rank, self.dropout) = (rank, dropout)
    selection = ModuleSelection(targets)
  }

  /// Refuses ranks, probabilities and scales out of range.
  public func checkSettings() throws(AdapterError) {
    try LoRA.checkRank(rank, "rank")
    if !(dropout >= 0 && dropout < 1) {
      throw .invalidSetting(
        "vera_dropout", expected: "a probability below 1", found: "\(dropout)")
    }
    if !initialScale.isFinite {
      throw .invalidSetting("d_initial", expected: "a finite number", found: "\(initialScale)")
    }
    if selection.excluded != nil {
      throw .invalidSetting(
        "exclude_modules", expected: "absent, since PEFT's VeRA has no such setting", found: "set")
    }
    try selection.refuseAllBut([.layers, .bias])
  }

  /// The two vectors beside a linear layer.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard let layer = site.linear else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); VeRA adapts linear layers")
    }
    let (rank, inputs, outputs, dropout) = (rank, layer.inputs, layer.outputs, dropout)
    let (scale, startsAsIdentity) = (Float(initialScale), startsAsIdentity)
    let tensors = TensorsBlueprint([
      .init("vera_lambda_b", [outputs]), .init("vera_lambda_d", [rank]),
    ]) { generator in
      [
        "vera_lambda_b": Tensor(repeating: startsAsIdentity ? 0 : 1, shape: [outputs]),
        "vera_lambda_d": startsAsIdentity
          ? Tensor(repeating: scale, shape: [rank])
          : Tensor(normal: 1, shape: [rank], using: &generator),
      ]
    }
    return LayerBlueprint(tensors, rank: rank) {
      VeRALayer(
        a: $0[Self.names.a]!, b: $0[Self.names.b]!, outer: $0["vera_lambda_b"]!,
        inner: $0["vera_lambda_d"]!, inputs: inputs, dropout: dropout)
    }
  }

  /// A and B, as large as the largest layer.
  public func sharedTensors(
    _ sites: [AdapterSite], _ host: any AdapterHost
  ) throws(AdapterError) -> TensorsBlueprint? {
    let layers = sites.compactMap(\.linear)
    guard let inputs = layers.map(\.inputs).max(), let outputs = layers.map(\.outputs).max()
    else { return nil }
    let (rank, key) = (rank, projectionKey)
    let role: AdapterTensor.Role = savesProjection ? .kept : .derived
    return TensorsBlueprint([
      .init(Self.names.a, [rank, inputs], role), .init(Self.names.b, [outputs, rank], role),
    ]) { _ in
      // One generator for both, A first, uniform in +-sqrt(6 / columns): PEFT's order and bounds.
      var random = MersenneTwister(seed: key)
      func matrix(_ rows: Int, _ columns: Int) -> Tensor {
        let bound = Float(3.0.squareRoot() * (2.0.squareRoot() / Double(columns).squareRoot()))
        return Tensor(
          random.uniform(-bound..<bound, count: rows * columns), shape: [rows, columns])
      }
      return [Self.names.a: matrix(rank, inputs), Self.names.b: matrix(outputs, rank)]
    }
  }
}
