internal import Foundation
import PEFTTensor
public import PEFTTransformer

extension AdapterHost {
  /// Attaches a LoRA that is a weighted combination of adapters, as `add_weighted_adapter` of Hugging Face PEFT makes it.
  ///
  /// A module that only some of the adapters have is made of those. One adapter alone is combined linearly, whatever the rule. The result is active
  /// and not trained; the adapters stay.
  ///
  /// - Parameters:
  ///   - names: of attached adapters that are made of one low-rank product a module, as LoRA and AdaLoRA are, and train nothing else.
  ///   - weights: one for each; may be negative.
  ///   - combination: how they are added up.
  ///   - newName: the name of the result.
  /// - Returns: the new adapter.
  /// - Throws: `AdapterError` for names, weights and densities that make no sense, for adapters that cannot be combined, and for factors
  ///   of different ranks where the rule needs equal ones.
  @discardableResult
  public func attachCombination(
    of names: [String], weights: [Double], by combination: AdapterCombination = .svd(),
    as newName: String
  ) throws(AdapterError) -> Adapter {
    guard !names.isEmpty, weights.count == names.count, weights.allSatisfy(\.isFinite) else {
      throw .invalidSetting(
        "weights", expected: "a finite number for each of \(names.count) adapters, of at least one",
        found: "\(weights)")
    }
    if let density = combination.density, !(density >= 0 && density <= 1) {
      throw .invalidSetting("density", expected: "a share from 0 to 1", found: "\(density)")
    }
    if case .products(let rank, let clamp) = combination.matrices {
      if let rank { try LoRA.checkRank(rank, "rank") }
      if let clamp, !(clamp >= 0 && clamp <= 1) {
        throw .invalidSetting("clamp", expected: "a quantile from 0 to 1", found: "\(clamp)")
      }
    }
    var sources: [CombinedModule] = []
    for (name, weight) in zip(names, weights) {
      try collect(try adapter(name), Float(weight), into: &sources)
    }
    let largest = sources.flatMap(\.factors).map { $0.branch.a.shape[0] }.max() ?? 1
    var parts: [LoRAPart] = []
    let rule = names.count == 1 ? AdapterCombination.linear : combination
    for source in sources {
      parts.append(
        try withoutGradients { () throws(AdapterError) in
          try source.combined(by: rule, largest)
        })
    }
    return try attach(parts, copiesOf: nil, name: newName)
  }

  /// Sorts what an adapter does by module.
  private func collect(
    _ adapter: Adapter, _ weight: Float, into sources: inout [CombinedModule]
  ) throws(AdapterError) {
    if let copy = adapter.copies.first {
      throw .conflict(
        "\"\(adapter.name)\" replaces \(copy.key), which cannot be combined with other adapters")
    }
    for module in adapter.modules {
      guard let products = module.products, products.count == 1, products[0].bias == nil else {
        throw .notAdaptable(
          module: module.site.path,
          reason: "what \"\(adapter.name)\" does there is not one product of two narrow matrices")
      }
      let factor = CombinedModule.Factor(
        adapter: adapter.name, branch: products[0], weight: weight)
      if let index = sources.firstIndex(where: { $0.site.module === module.site.module }) {
        sources[index].factors.append(factor)
      } else {
        sources.append(CombinedModule(site: module.site, factors: [factor]))
      }
    }
  }
}

/// What several adapters do at one module.
private struct CombinedModule {
  struct Factor {
    let adapter: String
    let branch: LowRankBranch
    let weight: Float
  }

  let site: AdapterSite
  var factors: [Factor]

  /// One product of the sum; `largest` is the rank that it is given where none is asked for.
  func combined(
    by combination: AdapterCombination, _ largest: Int
  ) throws(AdapterError) -> LoRAPart {
    switch (combination.matrices, combination.rule) {
    case (_, .concatenated): return concatenated
    case (.factors, _): return try combinedFactors(combination)
    case (.products(let rank, let clamp), _):
      let svd: SingularValueDecomposition
      do throws(LinearAlgebraError) {
        svd =
          combination.rule == .linear
          ? try LowRankProduct(left: concatenated.b, right: concatenated.a).svd()
          : try combination.combined(
            factors.map { $0.branch.b.matrixProduct($0.branch.a) * $0.branch.scale },
            factors.map(\.weight), key: site.path
          ).svd()
      } catch {
        throw .notAdaptable(module: site.path, reason: "\(error)")
      }
      return part(svd, rank: min(rank ?? largest, svd.values.count), clamp)
    }
  }

  /// The exact sum.
  private var concatenated: LoRAPart {
    LoRAPart(
      site,
      a: .concatenated(
        factors.map { $0.branch.a.detached.affine($0.weight * $0.branch.scale, 0) }, axis: 0),
      b: .concatenated(factors.map { $0.branch.b.detached.contiguous }, axis: 1))
  }

  /// A and B each for itself, with the roots of the weights; a sign goes to A.
  private func combinedFactors(
    _ combination: AdapterCombination
  ) throws(AdapterError) -> LoRAPart {
    let ranks = factors.map { $0.branch.a.shape[0] }
    if let index = ranks.firstIndex(where: { $0 != ranks[0] }) {
      throw .notAdaptable(
        module: site.path,
        reason:
          "\"\(factors[0].adapter)\" has rank \(ranks[0]) there and \"\(factors[index].adapter)\" \(ranks[index]); "
          + "combine them by .cat, .svd() or another rule .ofProducts()")
    }
    let weights = factors.map { $0.weight * $0.branch.scale }
    let roots = weights.map { abs($0).squareRoot() }
    return LoRAPart(
      site,
      a: combination.combined(
        factors.map(\.branch.a), zip(weights, roots).map { $0 < 0 ? -$1 : $1 },
        key: "\(site.path) A"),
      b: combination.combined(factors.map(\.branch.b), roots, key: "\(site.path) B"))
  }

  /// `U S` and `V^T`, as PEFT has them, cut off at a quantile of their elements.
  private func part(
    _ svd: SingularValueDecomposition, rank: Int, _ clamp: Double?
  ) -> LoRAPart {
    let values = Tensor(Array(svd.values.array.prefix(rank)), shape: [1, rank])
    var b = svd.u.columns(0..<rank).contiguous * values
    var a = svd.vt.prefixAxis(0..<rank).copied()
    if let clamp {
      let limit = Self.quantile(b.array + a.array, clamp)
      b = Tensor(b.array.map { min(max($0, -limit), limit) }, shape: b.shape)
      a = Tensor(a.array.map { min(max($0, -limit), limit) }, shape: a.shape)
    }
    return LoRAPart(site, a: a, b: b)
  }

  /// By linear interpolation, as in PyTorch.
  private static func quantile(_ values: [Float], _ share: Double) -> Float {
    let sorted = values.sorted()
    let place = share * Double(sorted.count - 1)
    let (below, above) = (sorted[Int(place)], sorted[min(Int(place) + 1, sorted.count - 1)])
    return below + (above - below) * Float(place - place.rounded(.down))
  }
}
