import PEFTTensor
import PEFTTransformer

extension DyLoRA {
  /// Refuses ranks, alphas and probabilities out of range.
  public func checkSettings() throws(AdapterError) {
    try LoRA(rank: rank, alpha: alpha, dropout: dropout).checkSettings()
    if case .geometric(let probability) = distribution, !(probability > 0 && probability < 1) {
      throw .invalidSetting(
        "distribution", expected: "a probability between 0 and 1", found: "\(probability)")
    }
  }

  /// The components beside a linear layer.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard let layer = site.linear else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); DyLoRA adapts linear layers")
    }
    let (inputs, outputs, method) = (layer.inputs, layer.outputs, self)
    let names = (0..<rank).map { (a: "lora_A.\($0).weight", b: "lora_B.\($0).weight") }
    let entries: [TensorsBlueprint.Entry] = names.flatMap {
      [.init($0.a, [1, inputs]), .init($0.b, [outputs, 1])]
    }
    let tensors = TensorsBlueprint(entries) { generator in
      let values = LoRA().initialValues(
        rank: method.rank, inputs: inputs, outputs: outputs, &generator)
      var parts: [String: Tensor] = [:]
      for (index, name) in names.enumerated() {
        parts[name.a] = values["lora_A.weight"]?.prefixAxis(index..<index + 1).copied()
        parts[name.b] = Tensor(zeros: [outputs, 1])
      }
      return parts
    }
    return LayerBlueprint(tensors, rank: rank, alpha: alpha) { parameters in
      DyLoRALayer(
        a: names.map { parameters[$0.a]! }, b: names.map { parameters[$0.b]! }, method)
    }
  }

  /// The choice of ranks.
  public func controller(_ adapter: Adapter) -> (any AdapterController)? {
    NestedRanks(self, adapter)
  }
}
