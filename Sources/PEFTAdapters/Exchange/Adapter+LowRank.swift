import PEFTTensor
import PEFTTransformer

extension Adapter {
  /// What an adapter adds to one matrix, with its factors.
  struct LowRankChange {
    let site: AdapterSite
    /// `[R, N]`; `[R, V]` of an embedding.
    let a: Tensor
    /// `[M, R]`; `[D, R]` of an embedding.
    let b: Tensor
    /// The factor of the product.
    let scale: Float
  }

  /// All that the adapter does, as products of two narrow matrices.
  ///
  /// - Parameter format: what the products are for, for the error.
  /// - Returns: one product for each module.
  /// - Throws: `AdapterError.notAdaptable` for the first thing that it does besides: for formats that hold nothing else.
  func lowRankChanges(for format: String) throws(AdapterError) -> [LowRankChange] {
    if let copy = copies.first(where: \.isTrained) {
      throw .notAdaptable(
        module: copy.key,
        reason: "it is trained as a whole, which \(format) cannot hold; merge the adapter instead")
    }
    if isMerged { throw .wrongState("\"\(name)\" is merged; unmerge it before it is exported") }
    if let copy = copies.first {
      throw .notAdaptable(
        module: copy.key,
        reason: "its own weight is changed, which \(format) cannot hold; merge the adapter instead")
    }
    var changes: [LowRankChange] = []
    for module in modules {
      guard let products = module.products else {
        throw .notAdaptable(
          module: module.site.path,
          reason:
            "\(format) holds plain LoRA only, and this is \(Swift.type(of: method)) with more than a sum "
            + "of narrow products; merge the adapter, or save it as LoRA first")
      }
      if products.contains(where: { $0.bias != nil }) {
        throw .notAdaptable(
          module: module.site.path,
          reason: "its branch has a bias, which \(format) cannot hold; merge the adapter instead")
      }
      if products.count == 1 {
        let product = products[0]
        changes.append(
          .init(
            site: module.site, a: product.a.detached.contiguous, b: product.b.detached.contiguous,
            scale: product.scale))
      } else if let factors = module.factors {
        changes.append(.init(site: module.site, a: factors.right, b: factors.left, scale: 1))
      }
    }
    changes.removeAll { $0.a.shape[0] == 0 }
    if changes.isEmpty {
      throw .wrongState("\"\(name)\" changes no matrix, so there is nothing to export")
    }
    return changes
  }
}
