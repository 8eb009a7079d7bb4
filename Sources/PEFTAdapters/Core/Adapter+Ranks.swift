import PEFTTensor
import PEFTTransformer

extension Adapter {
  /// The rank at every module that has one, at the moment: what an allocation left, or that of the factors.
  public var ranks: [(path: String, rank: Int)] {
    if let allocator = rankAllocator {
      return zip(allocator.paths, allocator.ranks).map { ($0, $1) }
    }
    return modules.compactMap { module in
      let factor = module.tensors.first {
        $0.memberName.contains("lora_A") || $0.memberName.contains("lora_embedding_A")
      }
      guard let shape = factor?.parameter.shape, shape.count == 2 else { return nil }
      return (module.site.path, shape[0])
    }
  }
}
