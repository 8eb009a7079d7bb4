import PEFTTensor
public import PEFTTransformer

extension ParameterGroup {
  /// Groups with a larger learning rate for the B matrices of low-rank adapters.
  ///
  /// LoRA+: Efficient Low Rank Adaptation of Large Models (arXiv 2402.12354), in the four groups of Hugging Face PEFT:
  /// low-rank factors of embeddings learn at a rate of their own; `lora_B` and every vector learn `ratio` times as
  /// fast, and biases and norms among them do not decay; all else has the learning rate of the optimiser.
  ///
  /// - Parameters:
  ///   - parameters: those to train.
  ///   - learningRate: that of the optimiser, to which `embeddingLearningRate` is put in relation.
  ///   - ratio: how much faster B learns than A; at least 1.
  ///   - embeddingLearningRate: the learning rate of the low-rank factors of embeddings.
  ///   - weightDecay: of all groups but that of biases and norms.
  /// - Returns: the groups that have a parameter.
  public static func loRAPlus(
    _ parameters: [NamedParameter], learningRate: Double, ratio: Double = 16,
    embeddingLearningRate: Double = 1e-6, weightDecay: Double = 0
  ) -> [ParameterGroup] {
    precondition(learningRate > 0, "loRAPlus: learning rate \(learningRate)")
    let groups = Dictionary(grouping: parameters, by: LoRAPlusRole.init)
    return LoRAPlusRole.allCases.compactMap { role in
      guard let members = groups[role] else { return nil }
      switch role {
      case .base: return ParameterGroup(members, weightDecay: weightDecay)
      case .embedding:
        return ParameterGroup(
          members, learningRateFactor: embeddingLearningRate / learningRate,
          weightDecay: weightDecay)
      case .fast:
        return ParameterGroup(members, learningRateFactor: ratio, weightDecay: weightDecay)
      case .fastWithoutDecay:
        return ParameterGroup(members, learningRateFactor: ratio, weightDecay: 0)
      }
    }
  }
}

/// The groups of LoRA+, in the order of Hugging Face PEFT.
private enum LoRAPlusRole: CaseIterable {
  case base, embedding, fast, fastWithoutDecay

  init(_ named: NamedParameter) {
    let path = named.path
    let isVector = named.parameter.shape.count == 1
    if path.contains("lora_embedding_") {
      self = .embedding
    } else if path.contains("lora_B") || isVector {
      // Norms are known by name here: their modules are called `..norm..` or `ln_1`, `ln_f`.
      let isNorm = isVector && (path.contains("norm") || path.contains("ln_"))
      self = path.contains("bias") || isNorm ? .fastWithoutDecay : .fast
    } else {
      self = .base
    }
  }
}
