/// How the frozen weights of linear layers are kept.
///
/// Sums, norms, softmax, loss, adapters and the state of optimisers are float32 always.
public enum Precision: String, Sendable, Hashable, CaseIterable {
  /// As they are: exact.
  case float32
  /// Rounded to bfloat16, half the memory; activations are rounded in the products with them.
  case bfloat16
  /// In four bits, NF4 with doubly quantised scales (arXiv 2305.14314), an eighth of the memory; activations are rounded to
  /// bfloat16 in the products with them.
  case nf4

  /// The storage of a weight `[M, N]` in this precision; nil where the tensor itself stays.
  func storage(_ weight: Tensor) -> (any WeightStorage)? {
    switch self {
    case .float32: nil
    case .bfloat16: BFloat16Weight(weight)
    case .nf4: NF4Weight(weight)
    }
  }

  /// Whether a storage is one of this precision already.
  func isKept(by storage: any WeightStorage) -> Bool {
    switch self {
    case .float32: false
    case .bfloat16: storage is BFloat16Weight
    case .nf4: storage is NF4Weight
    }
  }
}
