/// How the frozen weights of linear layers are kept.
///
/// Sums, norms, softmax, loss, adapters and the state of optimisers are float32 always. With all but float32, activations are rounded
/// to bfloat16 in the products with the weights.
public enum Precision: String, Sendable, Hashable, CaseIterable {
  /// As they are: exact.
  case float32
  /// Rounded to bfloat16, half the memory.
  case bfloat16
  /// In signed bytes with a scale for each 64, 27 % of the memory.
  case int8
  /// In four bits, NF4 with doubly quantised scales (arXiv 2305.14314), an eighth of the memory.
  case nf4
  /// In four bits, floats with doubly quantised scales; a third farther off than NF4 on normally distributed numbers.
  case fp4

  /// Whether the numbers are further apart than those of a format with a mantissa of eight bits.
  package var isQuantized: Bool { self == .int8 || isFourBit }

  /// Whether it takes four bits.
  package var isFourBit: Bool { self == .nf4 || self == .fp4 }

  /// The storage of a weight `[M, N]` in this precision; nil where the tensor itself stays.
  func storage(_ weight: Tensor) -> (any WeightStorage)? {
    switch self {
    case .float32: nil
    case .bfloat16: BFloat16Weight(weight)
    case .int8: Int8Weight(weight)
    case .nf4: FourBitWeight(weight, code: .nf4)
    case .fp4: FourBitWeight(weight, code: .fp4)
    }
  }

  /// Whether a storage is one of this precision already.
  func isKept(by storage: any WeightStorage) -> Bool {
    switch self {
    case .float32: false
    case .bfloat16: storage is BFloat16Weight
    case .int8: storage is Int8Weight
    case .nf4, .fp4: (storage as? FourBitWeight)?.code.rawValue == rawValue
    }
  }
}
