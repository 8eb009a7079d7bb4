import PEFTTensor
public import PEFTTransformer

/// How the start of a LoRA is made from the gradient of the weights.
///
/// "LoRA-GA: Low-Rank Adaptation with Gradient Approximation" (arXiv 2407.05000): A and B are singular vectors of the gradient of W, so that
/// the first steps go where those of full training would. As in PEFT, B is multiplied by the singular values, which the paper does not do.
public struct LoRAGA: Sendable, Hashable {
  /// Which of the `2 R` first singular vectors A and B get.
  public enum Direction: Sendable, Hashable {
    /// A the first half, B the second.
    case firstForA
    /// A the second half, B the first.
    case firstForB
    /// B the first, third and so on, A those between.
    case alternating
    /// The same R for both, drawn by the seed of the settings.
    case random
  }

  /// How large B and A are.
  public enum Scale: Sendable, Hashable {
    /// B times `M^(1/4) / sqrt(gamma)`.
    case stable(gamma: Double)
    /// B so that its first column has the largest singular value of W.
    case weight
    /// A and B divided by s.
    case step
    /// As they are.
    case unit
  }

  /// Which singular vectors are used.
  public var direction: Direction
  /// How large they are.
  public var scale: Scale

  /// Settings, with the defaults of PEFT.
  public init(direction: Direction = .firstForA, scale: Scale = .stable(gamma: 16)) {
    (self.direction, self.scale) = (direction, scale)
  }

  /// A `[R, N]` and B `[M, R]` from the gradient of a weight.
  func start(
    _ gradient: Tensor, _ weight: Tensor, rank: Int, scale factor: Float,
    _ generator: inout Generator
  ) throws(LinearAlgebraError) -> (a: Tensor, b: Tensor) {
    let most = min(gradient.shape[0], gradient.shape[1])
    let svd = try gradient.lowRankSVD(min(4 * rank, most), iterations: 4, using: &generator)
    var (forA, forB): ([Int], [Int])
    switch direction {
    case .firstForA: (forA, forB) = (Array(0..<rank), Array(rank..<2 * rank))
    case .firstForB: (forA, forB) = (Array(rank..<2 * rank), Array(0..<rank))
    case .alternating:
      (forA, forB) = ((0..<rank).map { 2 * $0 + 1 }, (0..<rank).map { 2 * $0 })
    case .random:
      forA = Array((0..<2 * rank).shuffled(using: &generator).prefix(rank))
      forB = forA
    }
    let values = svd.values.array
    var a = svd.vt.rows(at: Indices(forA.map(Int32.init), shape: [rank]))
    let columns = svd.u.transposed.rows(at: Indices(forB.map(Int32.init), shape: [rank]))
    var b = columns.transposed * Tensor(forB.map { values[$0] })
    switch scale {
    case .unit: break
    case .stable(let gamma):
      b = b * Float(Double(weight.shape[0]).squareRoot().squareRoot() / gamma.squareRoot())
    case .weight:
      let largest = try weight.lowRankSVD(rank, iterations: 4, using: &generator).values.array[0]
      if values[forB[0]] > 0 { b = b * (largest / values[forB[0]]) }
    case .step: (a, b) = (a / factor, b / factor)
    }
    return (a, b)
  }
}

extension CausalLM {
  /// Attaches a LoRA that starts with the main directions of the gradient of the weights of its layers.
  ///
  /// The base counts as `W - s B0 A0` with the A0 and B0 of the start, so that the model is unchanged at first.
  ///
  /// - Parameters:
  ///   - method: the settings; how A and B start is given. Linear layers only; twice the rank must fit into each.
  ///   - settings: of how the start is made.
  ///   - name: of the adapter.
  ///   - batches: of the data that it will be trained on; the gradient is the mean over them.
  /// - Returns: the adapter, active.
  /// - Throws: `AdapterError` as `attach`, for ranks that are too large, no batch, and where another adapter is attached.
  @discardableResult
  public func attach(
    _ method: LoRA, _ settings: LoRAGA, name: String = "default", batches: [TokenBatch]
  ) throws(AdapterError) -> Adapter {
    if let other = adapters.names.first {
      throw .wrongState(
        "\"\(other)\" is attached; detach it, so that the gradients are those of the base")
    }
    if case .stable(let gamma) = settings.scale, !(gamma > 0 && gamma.isFinite) {
      throw .invalidSetting("stable_gamma", expected: "a number above 0", found: "\(gamma)")
    }
    var method = method
    method.initialization = .gradients
    let started = try StartedLoRA(method, self, name: name)
    for site in started.linearSites
    where 2 * site.rank > min(site.layer.inputs, site.layer.outputs) {
      throw .notAdaptable(
        module: site.site.path, reason: "the start from gradients needs twice the rank \(site.rank)"
      )
    }
    guard !batches.isEmpty else {
      throw .invalidSetting("batches", expected: "at least one", found: "none")
    }
    let gradients = weightGradients(started.linearSites.map(\.layer.weight), batches)
    var starts: [String: (a: Tensor, b: Tensor)] = [:]
    for (site, gradient) in zip(started.linearSites, gradients) {
      let isTurned = site.layer.layout == .inputOutput
      let value = site.layer.weight.value
      var generator = Generator(seed: method.seed, path: site.site.path)
      starts[site.site.path] = try site.site.decomposing { () throws(LinearAlgebraError) in
        try settings.start(
          isTurned ? gradient.transposed : gradient, isTurned ? value.transposed : value,
          rank: site.rank, scale: site.scale, &generator)
      }
    }
    return try started.attach(starts)
  }

  /// The mean gradient of weights over batches, without dropout; everything is as before afterwards.
  private func weightGradients(_ weights: [Parameter], _ batches: [TokenBatch]) -> [Tensor] {
    let trainable = parameters(.trainable).map(\.parameter)
    let contents = weights.map(\.content)
    freeze()
    for weight in weights { weight.isTrainable = true }
    for batch in batches {
      loss(batch, isTraining: false).backward(scale: 1 / Float(batches.count))
    }
    let gradients = weights.map { $0.gradient ?? Tensor(zeros: $0.shape) }
    for (weight, content) in zip(weights, contents) {
      weight.isTrainable = false
      weight.content = content
    }
    for parameter in trainable { parameter.isTrainable = true }
    return gradients
  }
}
