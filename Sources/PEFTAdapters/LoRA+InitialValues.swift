import PEFTTensor

extension LoRA {
  /// How A, B and the bias of B start beside a module.
  ///
  /// Each module has a generator of its own, so that neither the order nor the choice of other modules matters.
  func initialValues(_ match: AdapterPlan.Match) -> (a: Tensor, b: Tensor, bias: Tensor?) {
    var generator = generator(match.path)
    let (narrow, wide) = ([match.rank, match.inputs], [match.outputs, match.rank])
    if match.isEmbedding {
      // The other side is zero than in a linear layer, as in loralib and PEFT.
      let a =
        initialization == .random
        ? Tensor(normal: 1, shape: narrow, using: &generator) : Tensor(zeros: narrow)
      return (a, Tensor(normal: 1, shape: wide, using: &generator), nil)
    }
    let bound = 1 / Float(match.inputs).squareRoot()
    let a =
      initialization == .gaussian
      ? Tensor(normal: 1 / Float(match.rank), shape: narrow, using: &generator)
      : Tensor(uniform: -bound..<bound, shape: narrow, using: &generator)
    guard initialization == .random else {
      return (a, Tensor(zeros: wide), hasBias ? Tensor(zeros: [match.outputs]) : nil)
    }
    let small = 1 / Float(match.rank).squareRoot()
    let b = Tensor(uniform: -small..<small, shape: wide, using: &generator)
    let bias =
      hasBias ? Tensor(uniform: -small..<small, shape: [match.outputs], using: &generator) : nil
    return (a, b, bias)
  }

  /// A generator of its own for each module, from the seed and the path (FNV-1a).
  private func generator(_ path: String) -> Generator {
    let hash = path.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return Generator(seed: Generator.mix(hash ^ Generator.mix(seed)))
  }
}
