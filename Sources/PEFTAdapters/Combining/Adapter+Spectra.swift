import PEFTTensor
import PEFTTransformer

/// The singular values of what an adapter adds to the matrix of one module.
public struct ModuleSpectrum: Sendable, Hashable {
  /// The path of the module.
  public let path: String
  /// The singular values, descending: as many as the smaller side of the matrix has, or as the factors have.
  public let values: [Float]

  /// How many of the largest singular values hold a share of the energy, the sum of all squares.
  ///
  /// - Parameter energy: in 0...1.
  /// - Returns: the fewest; 0 where there is no energy.
  public func effectiveRank(energy: Double = 0.99) -> Int {
    let squares = values.map { Double($0) * Double($0) }
    let total = squares.reduce(0, +)
    if total == 0 { return 0 }
    var sum = 0.0
    for (index, square) in squares.enumerated() {
      sum += square
      // Rounding may leave the whole a little short of itself.
      if sum >= energy * total * (1 - 1e-12) { return index + 1 }
    }
    return values.count
  }
}

extension Adapter {
  /// The singular values of what the adapter adds to each module, by LAPACK.
  ///
  /// Where a layer is made of narrow factors, no matrix of the size of the weight is formed.
  ///
  /// - Returns: one spectrum for each module, in the order of the model.
  /// - Throws: `AdapterError.notAdaptable` where a change is no matrix, or holds numbers that are not finite.
  public func spectra() throws(AdapterError) -> [ModuleSpectrum] {
    var spectra: [ModuleSpectrum] = []
    for module in modules {
      spectra.append(
        ModuleSpectrum(path: module.site.path, values: try svd(module).values.array))
    }
    return spectra
  }

  /// The spectra of those modules to which narrow factors are added, which cost little.
  package func narrowSpectra() throws(AdapterError) -> [ModuleSpectrum] {
    var spectra: [ModuleSpectrum] = []
    for module in modules where module.factors != nil {
      spectra.append(
        ModuleSpectrum(path: module.site.path, values: try svd(module).values.array))
    }
    return spectra
  }

  /// The decomposition of what is added to a module: `[M, N]`, or `[D, V]` of an embedding.
  func svd(_ module: AdaptedModule) throws(AdapterError) -> SingularValueDecomposition {
    let dense = module.factors == nil ? try module.change(startValue) : nil
    return try withoutGradients { () throws(AdapterError) in
      do throws(LinearAlgebraError) {
        if let dense { return try dense.svd() }
        guard let factors = module.factors else { preconditionFailure("svd: no factors") }
        return try factors.svd()
      } catch {
        throw .notAdaptable(module: module.site.path, reason: "\(error)")
      }
    }
  }

  /// What a parameter of the base holds before the layers: a copy of this adapter, or its own value.
  func startValue(_ base: Parameter) -> Tensor {
    copies.first { $0.base === base }?.copy.value ?? host?.baseValue(base) ?? base.value
  }
}
