import PEFTTensor
import PEFTTransformer

extension LoRA {
  /// How A, B and the bias of B start beside a linear layer, and what they started with where the base counts without it.
  func initialValues(
    _ site: AdapterSite, _ layer: Linear, rank: Int, scale: Float, _ generator: inout Generator
  ) throws(AdapterError) -> [String: Tensor] {
    switch initialization {
    case .kaiming, .eva, .gaussian, .random:
      return initialValues(
        rank: rank, inputs: layer.inputs, outputs: layer.outputs, &generator)
    case .orthogonal:
      let (a, b) = try site.decomposing { () throws(LinearAlgebraError) in
        try orthogonalStart(layer, rank: rank, &generator)
      }
      return ["lora_A.weight": a, "lora_B.weight": b]
    case .gradients:
      throw .invalidSetting(
        "initialization", expected: "another one, or attach with LoRAGA and batches",
        found: "gradients")
    case .pissa, .fastPiSSA, .olora:
      // Other adapters may be merged into the base at the moment; what is derived must not depend on them.
      let value = site.host.baseValue(layer.weight)
      let weight = layer.layout == .outputInput ? value : value.transposed
      let (a, b) = try site.decomposing { () throws(LinearAlgebraError) in
        try derivedStart(weight, rank: rank, scale: scale, site.path)
      }
      return [
        "lora_A.weight": a, "lora_B.weight": b, "lora_start_A.weight": a,
        "lora_start_B.weight": b,
      ]
    }
  }

  /// The starts that are random numbers alone.
  func initialValues(
    rank: Int, inputs: Int, outputs: Int, _ generator: inout Generator
  ) -> [String: Tensor] {
    let (narrow, wide) = ([rank, inputs], [outputs, rank])
    let bound = 1 / Float(inputs).squareRoot()
    var values: [String: Tensor] = [
      "lora_A.weight": initialization == .gaussian
        ? Tensor(normal: 1 / Float(rank), shape: narrow, using: &generator)
        : Tensor(uniform: -bound..<bound, shape: narrow, using: &generator)
    ]
    guard initialization == .random else {
      values["lora_B.weight"] = Tensor(zeros: wide)
      if hasBias { values["lora_B.bias"] = Tensor(zeros: [outputs]) }
      return values
    }
    let small = 1 / Float(rank).squareRoot()
    values["lora_B.weight"] = Tensor(uniform: -small..<small, shape: wide, using: &generator)
    if hasBias {
      values["lora_B.bias"] = Tensor(uniform: -small..<small, shape: [outputs], using: &generator)
    }
    return values
  }

  private func derivedStart(
    _ weight: Tensor, rank: Int, scale: Float, _ path: String
  ) throws(LinearAlgebraError) -> (a: Tensor, b: Tensor) {
    if initialization == .olora {
      let (q, r) = try weight.qr()
      return (r.prefixAxis(0..<rank).copied(), q.columns(0..<rank).copied())
    }
    let svd: SingularValueDecomposition
    if case .fastPiSSA(let iterations) = initialization {
      var generator = Generator(seed: 0, path: path)
      svd = try weight.lowRankSVD(rank, iterations: iterations, using: &generator)
    } else {
      svd = try weight.svd()
    }
    return svd.factors(rank: rank, scale: scale)
  }

  /// Each of the halves of an orthonormal basis of the ranks, one for A and one for B.
  private func orthogonalStart(
    _ layer: Linear, rank: Int, _ generator: inout Generator
  ) throws(LinearAlgebraError) -> (a: Tensor, b: Tensor) {
    let half = rank / 2
    let basis = try Tensor(normal: 1, shape: [rank, rank], using: &generator).qr().q
    let a = Tensor(normal: 0.1, shape: [layer.inputs, half], using: &generator)
    let b = Tensor(normal: 0.1, shape: [layer.outputs, half], using: &generator)
    return (
      a.matrixProduct(basis.prefixAxis(0..<half)).transposed,
      b.matrixProduct(basis.prefixAxis(half..<rank))
    )
  }
}

extension SingularValueDecomposition {
  /// `A = sqrt(S / s) V^T` and `B = U sqrt(S / s)` of the largest singular values.
  func factors(rank: Int, scale: Float) -> (a: Tensor, b: Tensor) {
    let roots = Tensor(values.array.prefix(rank).map { ($0 / scale).squareRoot() })
    return (
      vt.prefixAxis(0..<rank) * roots.reshaped([rank, 1]), u.columns(0..<rank).contiguous * roots
    )
  }
}

extension AdapterSite {
  /// Says at which module a decomposition of its weight failed.
  func decomposing<Result>(
    _ body: () throws(LinearAlgebraError) -> Result
  ) throws(AdapterError) -> Result {
    do throws(LinearAlgebraError) { return try body() } catch {
      throw .notAdaptable(module: path, reason: "\(error)")
    }
  }
}
