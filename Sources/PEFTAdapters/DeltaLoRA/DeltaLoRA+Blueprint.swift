import PEFTTensor
import PEFTTransformer

extension DeltaLoRA {
  /// Refuses numbers out of range.
  public func checkSettings() throws(AdapterError) {
    try LoRA(rank: rank, alpha: alpha).checkSettings()
    if !ratio.isFinite {
      throw .invalidSetting("lambda", expected: "a finite number", found: "\(ratio)")
    }
    if completedSteps < 0 {
      throw .invalidSetting(
        "completed_steps", expected: "a number of steps", found: "\(completedSteps)")
    }
  }

  /// The factors beside a linear layer, and those that W began to move from.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard let layer = site.linear else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); Delta-LoRA adapts linear layers")
    }
    if base == .moved { try checkMovable(layer, site) }
    let (narrow, wide) = ([rank, layer.inputs], [layer.outputs, rank])
    let method = self
    let tensors = TensorsBlueprint([
      .init("lora_A.weight", narrow), .init("lora_B.weight", wide),
      .init("lora_A_start.weight", narrow, .kept), .init("lora_B_start.weight", wide, .kept),
    ]) { generator in
      var values = LoRA().initialValues(
        rank: narrow[0], inputs: narrow[1], outputs: wide[0], &generator)
      values["lora_A_start.weight"] = values["lora_A.weight"]?.copied()
      values["lora_B_start.weight"] = Tensor(zeros: wide)
      return values
    }
    var blueprint = LayerBlueprint(tensors, rank: rank, alpha: alpha) {
      DeltaLoRALayer(
        a: $0["lora_A.weight"]!, b: $0["lora_B.weight"]!, startA: $0["lora_A_start.weight"]!,
        startB: $0["lora_B_start.weight"]!, method)
    }
    if base == .moved { blueprint.standIns = [layer.weight] }
    return blueprint
  }

  /// W can only move where it is a float32 matrix of this layer alone.
  private func checkMovable(_ layer: Linear, _ site: AdapterSite) throws(AdapterError) {
    if case .storage(let storage) = layer.weight.operand(layer.layout) {
      throw .notAdaptable(
        module: site.path,
        reason:
          "its weight is a \(Swift.type(of: storage)), whose steps are larger than what Delta-LoRA "
          + "moves it by, so that the changes would be lost; store it as float32, or use base: .factored"
      )
    }
    if layer.weight.isTied || layer === site.host.outputHead {
      throw .notAdaptable(
        module: site.path,
        reason:
          "the output head may share its weight; Delta-LoRA moves it with base: .factored only")
    }
  }

  /// What moves W.
  public func controller(_ adapter: Adapter) -> (any AdapterController)? {
    DeltaLoRAMover(self, adapter)
  }
}
