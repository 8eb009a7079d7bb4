import PEFTTensor

extension LoRA {
  /// How A, B and the bias of B start beside a linear layer.
  func initialValues(
    rank: Int, inputs: Int, outputs: Int, _ generator: inout Generator
  ) -> [String: Tensor] {
    let (narrow, wide) = ([rank, inputs], [outputs, rank])
    let bound = 1 / Float(inputs).squareRoot()
    var values: [String: Tensor] = [
      "lora_A.weight": initialization == .gaussian
        ? Tensor(normal: 1 / Float(rank), shape: narrow, using: &generator)
        : Tensor(uniform: -bound..<bound, shape: narrow, using: &generator)
    ]
    guard initialization == .random else {
      values["lora_B.weight"] = Tensor(zeros: wide)
      if hasBias { values["lora_B.bias"] = Tensor(zeros: [outputs]) }
      return values
    }
    let small = 1 / Float(rank).squareRoot()
    values["lora_B.weight"] = Tensor(uniform: -small..<small, shape: wide, using: &generator)
    if hasBias {
      values["lora_B.bias"] = Tensor(uniform: -small..<small, shape: [outputs], using: &generator)
    }
    return values
  }
}
