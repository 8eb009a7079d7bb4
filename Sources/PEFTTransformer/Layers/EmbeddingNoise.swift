import PEFTTensor

extension Tensor {
  /// Embeddings with uniform noise in training: for a sequence of L tokens within plus and minus `alpha / sqrt(L D)`.
  ///
  /// NEFTune: Noisy Embeddings Improve Instruction Finetuning (arXiv 2310.05914). L is without padding and prompts, which get no noise.
  /// The numbers are a function of the next key of dropout alone; outside training, where there are no keys, nothing is added.
  ///
  /// - Parameters:
  ///   - alpha: the strength; nil for none.
  ///   - context: of this forward pass.
  /// - Returns: a tensor of the same shape, `[B, T, D]`.
  func noisy(_ alpha: Double?, _ context: ForwardContext) -> Tensor {
    guard let alpha, alpha > 0, let keys = context.dropout else { return self }
    var generator = Generator(seed: keys.next())
    var noise = [Float](repeating: 0, count: count)
    for tokens in context.sequencesWithoutPrompts where !tokens.isEmpty {
      let bound = Float(alpha / Double(tokens.count * columns).squareRoot()) * 0x1p-31
      for place in tokens.lowerBound * columns..<tokens.upperBound * columns {
        noise[place] = bound * Float(Int32(truncatingIfNeeded: generator.next()))
      }
    }
    return self + Tensor(noise, shape: shape)
  }
}

extension ForwardContext {
  /// The places of the tokens of each sequence that are no padding, among the tokens of all rows without the prompts.
  fileprivate var sequencesWithoutPrompts: [Range<Int>] {
    let counts =
      switch visible {
      case .rows(let keys, _, _): keys.map(\.count)
      case .segments(let segments): segments.map(\.count)
      }
    return zip(startsWithoutPrompts, counts).map { $0..<$0 + max(0, $1 - virtual.prompt) }
  }
}
