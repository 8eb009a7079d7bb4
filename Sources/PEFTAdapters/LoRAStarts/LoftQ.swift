public import PEFTTensor
public import PEFTTransformer

/// How a weight becomes four bits and a low-rank start that makes up for them.
///
/// "LoftQ: LoRA-Fine-Tuning-Aware Quantization for Large Language Models" (arXiv 2310.08659): `Q = quantised(W - s B A)`, then
/// `s B A` = the R largest singular values of `W - Q`, in turns. A and B are divided by `sqrt(s)` each, so that it is right for any
/// alpha; PEFT's is for alpha equal to the rank only.
public struct LoftQ: Sendable, Hashable {
  /// How many turns; PEFT's default is 1, the paper's 5.
  ///
  /// More are mostly, not always, better.
  public var iterations: Int
  /// Whether scales are quantised too; the paper and PEFT leave them.
  public var isDoubleQuantized: Bool

  /// Settings, with the defaults of PEFT.
  public init(iterations: Int = 1, isDoubleQuantized: Bool = false) {
    (self.iterations, self.isDoubleQuantized) = (iterations, isDoubleQuantized)
  }

  /// What one weight becomes.
  public struct Result {
    /// Q.
    public let base: FourBitWeight
    /// A, `[R, N]`.
    public let a: Tensor
    /// B, `[M, R]`.
    public let b: Tensor
    /// `|W - Q - s B A| / |W|`, in Frobenius norms.
    public let error: Double
  }

  /// Quantises a weight.
  ///
  /// - Parameters:
  ///   - weight: W, `[M, N]`.
  ///   - rank: R, at most the smaller of M and N.
  ///   - scale: s.
  /// - Returns: the parts.
  /// - Throws: `LinearAlgebraError` where a number is not finite.
  /// - Complexity: one whole singular value decomposition an iteration.
  public func decomposed(
    _ weight: Tensor, rank: Int, scale: Float
  ) throws(LinearAlgebraError) -> Result {
    precondition(iterations > 0, "LoftQ: \(iterations) iterations")
    return try withoutGradients { () throws(LinearAlgebraError) in
      var rest = weight
      var last: Result?
      for _ in 0..<iterations {
        let base = FourBitWeight(rest, isDoubleQuantized: isDoubleQuantized)
        let lost = weight - base.dense()
        let (a, b) = try lost.svd().factors(rank: rank, scale: scale)
        let product = b.matrixProduct(a) * scale
        let error = ((lost - product).sumOfSquares / weight.sumOfSquares).squareRoot()
        last = Result(base: base, a: a, b: b, error: error)
        rest = weight - product
      }
      guard let last else { preconditionFailure("LoftQ: no iteration") }
      return last
    }
  }
}

extension AdapterHost {
  /// Keeps the selected linear layers in four bits and attaches a LoRA that starts with what is lost by it.
  ///
  /// The base is another one afterwards, also when the adapter is removed: save it beside the adapter, which is plain LoRA on it.
  ///
  /// - Parameters:
  ///   - method: the settings; how A and B start is given.
  ///   - settings: of the quantisation.
  ///   - name: of the adapter.
  /// - Returns: the adapter, active, and the error of every layer, by its path.
  /// - Throws: `AdapterError` as `attach`, and where a selected layer is trained or adapted already; the model is unchanged then.
  @discardableResult
  public func attachQuantizing(
    _ method: LoRA, _ settings: LoftQ = LoftQ(), name: String = "default"
  ) throws(AdapterError) -> (adapter: Adapter, errors: [String: Double]) {
    if settings.iterations < 1 {
      throw .invalidSetting("iterations", expected: "at least 1", found: "\(settings.iterations)")
    }
    if let other = adapters.names.first {
      throw .wrongState("\"\(other)\" is attached already, and was made for the base as it is")
    }
    var method = method
    method.initialization = .kaiming
    let started = try StartedLoRA(method, self, name: name)
    var results: [(layer: Linear, result: LoftQ.Result)] = []
    var errors: [String: Double] = [:]
    var starts: [String: (a: Tensor, b: Tensor)] = [:]
    for site in started.linearSites {
      if site.layer.weight.isTied {
        throw .notAdaptable(module: site.site.path, reason: "its weight is that of the embedding")
      }
      let value = site.layer.weight.value
      let weight = site.layer.layout == .outputInput ? value : value.transposed
      let result = try site.site.decomposing { () throws(LinearAlgebraError) in
        try settings.decomposed(weight, rank: site.rank, scale: site.scale)
      }
      results.append((site.layer, result))
      starts[site.site.path] = (result.a, result.b)
      errors[site.site.path] = result.error
    }
    freeze()
    for (layer, result) in results { layer.weight.store(result.base, layer.layout) }
    return (try started.attach(starts), errors)
  }
}
