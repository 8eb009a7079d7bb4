import PEFTTensor
public import PEFTTransformer

/// How much of an adapter is left when it is pruned.
public enum RankLimit: Sendable, Hashable {
  /// The largest singular values of every module, at most so many.
  case rank(Int)
  /// As many as hold this share of the sum of squares of a module.
  case energy(Double)
}

extension AdapterHost {
  /// Attaches a LoRA that is the best approximation of an adapter with fewer ranks, by singular values (Eckart and Young).
  ///
  /// Of any adapter that adds matrices to linear layers and embeddings. The copies that it trains go with it. The new adapter is active
  /// and not trained; the old one stays.
  ///
  /// - Parameters:
  ///   - name: of an attached adapter.
  ///   - limit: the rank or the energy that every module keeps; at least one rank is.
  ///   - newName: the name of the new one.
  /// - Returns: the new adapter.
  /// - Throws: `AdapterError` for names and limits that make no sense, or a change that is no matrix.
  @discardableResult
  public func attachPruned(
    _ name: String, to limit: RankLimit, as newName: String
  ) throws(AdapterError) -> Adapter {
    let adapter = try adapter(name)
    switch limit {
    case .rank(let rank): try LoRA.checkRank(rank, "rank")
    case .energy(let energy) where !(energy > 0 && energy <= 1):
      throw .invalidSetting("energy", expected: "a share above 0, up to 1", found: "\(energy)")
    case .energy: break
    }
    var parts: [LoRAPart] = []
    for module in adapter.modules {
      let svd = try adapter.svd(module)
      let spectrum = ModuleSpectrum(path: module.site.path, values: svd.values.array)
      let rank =
        switch limit {
        case .rank(let rank): min(rank, spectrum.values.count)
        case .energy(let energy): max(1, spectrum.effectiveRank(energy: energy))
        }
      parts.append(LoRAPart(module.site, svd, rank: rank))
    }
    return try attach(parts, copiesOf: adapter, name: newName)
  }

  /// Attaches a LoRA of given factors, active and not trained.
  func attach(
    _ parts: [LoRAPart], copiesOf source: Adapter?, name: String
  ) throws(AdapterError) -> Adapter {
    try checkName(name)
    var lora = LoRA(parts)
    if let selection = source?.spelledOut.selection {
      lora.modulesToSave = selection.modulesToSave
      lora.ensuresWeightTying = selection.ensuresWeightTying
      lora.bias = selection.bias
    }
    var stored: [String: Tensor] = [:]
    for part in parts {
      stored[
        AdapterFile.name(
          part.site.linear == nil ? "lora_embedding_A" : "lora_A.weight", at: part.site.path)] =
        part.a
      stored[
        AdapterFile.name(
          part.site.linear == nil ? "lora_embedding_B" : "lora_B.weight", at: part.site.path)] =
        part.b
    }
    for copy in source?.copies ?? [] where copy.isTrained {
      stored[AdapterFile.prefix + copy.key] = copy.copy.value
    }
    let resolution = try Resolution(lora, self, isStrict: false)
    let adapter = try attach(lora, resolution, name: name, stored: stored)
    adapter.isTrainable = false
    return adapter
  }
}

/// The factors of a LoRA with scale 1 beside one module.
struct LoRAPart {
  let site: AdapterSite
  /// A, `[R, N]`.
  var a: Tensor
  /// B, `[M, R]`.
  var b: Tensor
  var rank: Int { a.shape[0] }

  init(_ site: AdapterSite, a: Tensor, b: Tensor) { (self.site, self.a, self.b) = (site, a, b) }

  /// The largest singular values, their roots on either side.
  init(_ site: AdapterSite, _ svd: SingularValueDecomposition, rank: Int) {
    self.site = site
    let roots = svd.values.array.prefix(rank).map { $0.squareRoot() }
    a = withoutGradients {
      svd.vt.prefixAxis(0..<rank).contiguous * Tensor(roots, shape: [rank, 1])
    }
    b = withoutGradients {
      svd.u.columns(0..<rank).contiguous * Tensor(roots, shape: [1, rank])
    }
  }
}

extension LoRA {
  /// The settings of these factors: alpha is the rank everywhere, so that the scale is 1.
  init(_ parts: [LoRAPart]) {
    let most = parts.map(\.rank).max() ?? 1
    self.init(
      rank: most, alpha: Double(most), targets: .names(parts.map(\.site.path)))
    let others = parts.filter { $0.rank != most }
    rankPattern = others.map { PatternValue("^" + $0.site.path, $0.rank) }
    alphaPattern = others.map { PatternValue("^" + $0.site.path, Double($0.rank)) }
  }
}
