import PEFTJSON

extension LoRA {
  /// How A and B start.
  ///
  /// Where the start is made from the base (PiSSA and OLoRA), the base counts as `W - s B0 A0` with the A0 and B0 of the start, so that
  /// the model is unchanged at first. The base itself keeps its bits: A0 and B0 are made from it again when the adapter is loaded,
  /// and stand beside it as a second, frozen branch.
  public enum Initialization: Sendable, Hashable {
    /// A uniform in `+-1 / sqrt(N)`, B zero: PyTorch's default for a linear layer. The adapter starts without effect.
    case kaiming
    /// A normal with deviation `1 / R`, B zero.
    case gaussian
    /// A and B as PyTorch's default for linear layers: the adapter changes the model from the start.
    case random
    /// A and B normal in orthogonal subspaces of the ranks, an even number, so that `B A` is zero.
    case orthogonal
    /// B zero, A for the right singular vectors of the inputs of a layer, which `attach` with batches finds ("Explained Variance
    /// Adaptation", arXiv 2410.07170); as `kaiming` without them.
    case eva
    /// The R largest singular values of W and their vectors: `A = sqrt(S / s) V^T`, `B = U sqrt(S / s)`.
    ///
    /// "PiSSA: Principal Singular Values and Singular Vectors Adaptation" (arXiv 2404.02948).
    case pissa
    /// The same from a randomised decomposition with a number of power iterations (`pissa_niter_K`).
    ///
    /// It draws from the path of a module alone, so that it is the same when the adapter is loaded; PEFT draws anew, so that an adapter of
    /// its making is as near here as it is there.
    case fastPiSSA(iterations: Int)
    /// The first R columns of Q and rows of R of `W = Q R`, the weight as `[M, N]` whatever its layout; PEFT is wrong on GPT-2's.
    ///
    /// "OLoRA: Orthonormal Low-Rank Adaptation of Large Language Models" (arXiv 2406.01775).
    case olora
    /// From the gradient of the weight, which `attach` with `LoRAGA` and batches finds. It cannot be made again from the base: the
    /// adapter is saved as plain LoRA of twice the rank, `s B A - s B0 A0`, and is that when it is loaded.
    case gradients
  }
}

extension LoRA.Initialization {
  /// Starts by their name in `init_lora_weights`; nil for an unknown one.
  init?(field: String) {
    switch field {
    case "gaussian": self = .gaussian
    case "orthogonal": self = .orthogonal
    case "eva": self = .eva
    case "pissa": self = .pissa
    case "olora": self = .olora
    default:
      let words = field.split(separator: "_", omittingEmptySubsequences: false)
      guard words.count == 3, words[0] == "pissa", words[1] == "niter",
        let count = Int(words[2])
      else { return nil }
      self = .fastPiSSA(iterations: count)
    }
  }

  /// `init_lora_weights`.
  var field: JSON {
    switch self {
    case .kaiming: .bool(true)
    case .random: .bool(false)
    case .gaussian: .string("gaussian")
    case .orthogonal: .string("orthogonal")
    case .eva: .string("eva")
    case .pissa: .string("pissa")
    case .fastPiSSA(let iterations): .string("pissa_niter_\(iterations)")
    case .olora: .string("olora")
    case .gradients: .string("lora_ga")
    }
  }

  /// What becomes of A0 and B0; nil where the base counts as it is.
  var startRole: AdapterTensor.Role? {
    switch self {
    case .pissa, .fastPiSSA, .olora: .derived
    case .gradients: .kept
    default: nil
    }
  }

  /// PEFT has the other starts for linear layers only.
  var fitsEmbeddings: Bool {
    switch self {
    case .kaiming, .gaussian, .random: true
    default: false
    }
  }

  /// Refuses ranks that the start cannot have.
  func check(rank: Int, inputs: Int, outputs: Int, _ path: String) throws(AdapterError) {
    let largest = min(inputs, outputs)
    if startRole != nil, rank > largest {
      throw .notAdaptable(
        module: path, reason: "the start \(self) has at most rank \(largest) there, not \(rank)")
    }
    if self == .orthogonal, rank % 2 != 0 {
      throw .invalidSetting(
        "rank", expected: "an even number for the orthogonal start", found: "\(rank)")
    }
  }
}
