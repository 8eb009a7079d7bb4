import PEFTTensor
import PEFTTransformer

/// A layer whose change of a matrix is a sum of products of two narrow ones, though its branches do not say so.
protocol LowRankLayer: AdapterLayer {
  /// The products: `[M, N]` of a linear layer, `[D, V]` of an embedding.
  var products: [LowRankBranch] { get }
}

extension LoRAEmbeddingLayer: LowRankLayer {
  var products: [LowRankBranch] { [LowRankBranch(a: a.value, b: b.value, scale: scale)] }
}

extension DeltaLoRALayer: LowRankLayer {
  var products: [LowRankBranch] {
    let trained = LowRankBranch(a: a.value, b: b.value, scale: scale)
    guard let movement else { return [trained] }
    return [
      trained, LowRankBranch(a: movement.right, b: movement.left, scale: movementScale),
    ]
  }
}

extension Adapter.AdaptedModule {
  /// What the layer adds to the matrix of its module, as products of narrow matrices; nil where it is not made of such.
  var products: [LowRankBranch]? {
    if let layer = layer as? LoRAEmbeddingLayer, layer.magnitude != nil { return nil }
    if let layer = layer as? any LowRankLayer { return layer.products }
    guard let layer = layer as? any LinearAdapterLayer, layer.isAdditive else { return nil }
    return withoutGradients { layer.branches(ForwardContext()) }
  }

  /// The same as one product `[M, R]` times `[R, N]`, the scales with it.
  var factors: LowRankProduct? {
    guard let products, products.allSatisfy({ $0.bias == nil }) else { return nil }
    let (inputs, outputs) = size
    if products.isEmpty {
      return LowRankProduct(left: Tensor(zeros: [outputs, 0]), right: Tensor(zeros: [0, inputs]))
    }
    return LowRankProduct(
      left: .concatenated(products.map { $0.b.detached.affine($0.scale, 0) }, axis: 1),
      right: .concatenated(products.map { $0.a.detached.contiguous }, axis: 0))
  }

  /// N and M of a linear layer; V and D of an embedding.
  private var size: (inputs: Int, outputs: Int) {
    if let layer = site.linear { return (layer.inputs, layer.outputs) }
    return (site.embedding?.weight.shape[0] ?? 0, site.embedding?.weight.shape[1] ?? 0)
  }

  /// What the layer adds to the matrix `[M, N]`, or `[D, V]` of an embedding, as a dense one.
  ///
  /// - Parameter start: what stands in the parameter before.
  /// - Returns: the difference of the merged matrix and the one before.
  /// - Throws: `AdapterError.notAdaptable` where the change is no matrix.
  func change(_ start: (Parameter) -> Tensor) throws(AdapterError) -> Tensor {
    if let factors { return factors.left.matrixProduct(factors.right) }
    switch (site.module, layer) {
    case (let base as Linear, let layer as any LinearAdapterLayer):
      let weight = start(base.weight)
      let map = AffineMap(
        weight: base.layout == .inputOutput ? weight.transposed : weight,
        bias: base.bias.map(start))
      let merged = try withoutGradients { () throws(AdapterError) in
        try layer.merged(map, site.path)
      }
      guard merged.bias?.storage === map.bias?.storage else {
        throw .notAdaptable(module: site.path, reason: "its bias is changed as well")
      }
      return merged.weight - map.weight
    case (let base as Embedding, let layer as any EmbeddingAdapterLayer):
      let table = start(base.weight)
      return try withoutGradients { () throws(AdapterError) in
        (try layer.merged(table, site.path) - table).transposed
      }
    default:
      throw .notAdaptable(module: site.path, reason: "what is done there is no change of a matrix")
    }
  }
}

/// A matrix `[M, N]` as a product of narrow ones.
struct LowRankProduct {
  /// `[M, R]`.
  var left: Tensor
  /// `[R, N]`.
  var right: Tensor

  /// The singular value decomposition, without the matrix itself where R is small: of the product of the triangles that the
  /// factors have by QR.
  ///
  /// `4 R^2 (M + N)` flops, and those of a matrix `[R, R]`.
  func svd() throws(LinearAlgebraError) -> SingularValueDecomposition {
    let rank = right.shape[0]
    if rank == 0 || rank >= min(left.shape[0], right.shape[1]) {
      return try left.matrixProduct(right).svd()
    }
    let (ql, rl) = try left.qr()
    let (qr, rr) = try right.transposed.qr()
    let core = try rl.matrixProduct(rr.transposed).svd()
    return SingularValueDecomposition(
      u: ql.matrixProduct(core.u), values: core.values, vt: core.vt.linear(weight: qr))
  }
}
