public import PEFTTensor
public import PEFTTransformer

/// RoSA beside one linear layer.
public final class RoSALayer: LinearAdapterLayer, SparseLayer {
  /// Always.
  public var isSummand: Bool { true }
  /// The low-rank part; nil for none.
  public let lowRank: LoRALayer?
  /// The trained elements of S, `[n]`; nil for none.
  public let values: Parameter?
  /// The places of S; nil before they are chosen, while the values have no effect.
  public internal(set) var pattern: SparsePattern?
  /// The shape `[M, N]` of the weight.
  let shape: [Int]
  /// Gets the gradient that the weight would have, while places are looked for.
  var receive: ((Tensor) -> Void)?

  init(lowRank: LoRALayer?, values: Parameter?, pattern: SparsePattern?, shape: [Int]) {
    (self.lowRank, self.values, self.pattern) = (lowRank, values, pattern)
    self.shape = shape
  }

  /// The low-rank part.
  public func branches(_ context: ForwardContext) -> [LowRankBranch] {
    lowRank?.branches(context) ?? []
  }

  /// What is inside plus `x S^T`.
  public func forward(
    _ input: Tensor, base: Linear, _ context: ForwardContext, inner: (Tensor) -> Tensor
  ) -> Tensor {
    var output = inner(input)
    if let pattern, let values {
      output = output.adding(pattern, values: values.tensor, of: input)
    }
    if let receive, values?.isTrainable == true {
      output = output.observingWeightGradient(of: input, receive)
    }
    return output
  }

  /// `W + s B A + S`.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    var result = try lowRank?.merged(map, path) ?? map
    if let pattern, let values {
      result.weight = result.weight + pattern.dense(values.value)
    }
    return result
  }
}

extension RoSA {
  /// A, B and the values beside a linear layer.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard let layer = site.linear else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); RoSA adapts linear layers")
    }
    let (rows, columns, rank) = (layer.outputs, layer.inputs, usedRank)
    var pattern: SparsePattern?
    var count = Int(usedDensity * Double(rows * columns))
    if let masks, usedDensity > 0 {
      let known = try masks.pattern(at: site.path, rows: rows, columns: columns)
      (pattern, count) = (known, known.count)
    }
    if rank == 0, count == 0 {
      throw .notAdaptable(
        module: site.path, reason: "density \(density) is less than one of its elements")
    }
    var lora = LoRA(rank: max(rank, 1), alpha: alpha, dropout: dropout)
    lora.isRankStabilized = isRankStabilized
    var entries: [TensorsBlueprint.Entry] = []
    if rank > 0 {
      entries += [.init("rosa_A.weight", [rank, columns]), .init("rosa_B.weight", [rows, rank])]
    }
    if count > 0 { entries.append(.init("rosa_spa", [count])) }
    let tensors = TensorsBlueprint(entries) { generator in
      let low = lora.initialValues(
        rank: lora.rank, inputs: columns, outputs: rows, &generator)
      return [
        "rosa_A.weight": low["lora_A.weight"] ?? Tensor(zeros: [rank, columns]),
        "rosa_B.weight": Tensor(zeros: [rows, rank]), "rosa_spa": Tensor(zeros: [count]),
      ]
    }
    let scale = lora.scale(rank: lora.rank, alpha: alpha)
    return LayerBlueprint(tensors, rank: rank > 0 ? rank : nil, alpha: alpha) {
      [dropout] parameters in
      var lowRank: LoRALayer?
      if let a = parameters["rosa_A.weight"], let b = parameters["rosa_B.weight"] {
        lowRank = LoRALayer(
          a: a, b: b, scale: scale, dropout: dropout, norms: RowNorms(layer.weight, layer.layout))
      }
      return RoSALayer(
        lowRank: lowRank, values: parameters["rosa_spa"], pattern: pattern, shape: [rows, columns])
    }
  }
}
