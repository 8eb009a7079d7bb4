import PEFTTensor
import PEFTTransformer

extension LoRA {
  /// A and B beside a linear layer or an embedding.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    let rank = try PatternTable(rankPattern, setting: "rank_pattern").value(site.path) ?? rank
    let alpha = try PatternTable(alphaPattern, setting: "alpha_pattern").value(site.path) ?? alpha
    let scale = scale(rank: rank, alpha: alpha)
    if let layer = site.linear { return blueprint(layer, rank: rank, alpha: alpha, scale) }
    guard let layer = site.embedding else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); LoRA adapts linear layers and embeddings")
    }
    if hasBias {
      throw .notAdaptable(module: site.path, reason: "lora_bias is for linear layers only")
    }
    return blueprint(layer, rank: rank, alpha: alpha, scale)
  }

  private func blueprint(
    _ layer: Linear, rank: Int, alpha: Double, _ scale: Float
  ) -> LayerBlueprint {
    let (inputs, outputs, dropout) = (layer.inputs, layer.outputs, dropout)
    var entries: [TensorsBlueprint.Entry] = [
      .init("lora_A.weight", [rank, inputs]), .init("lora_B.weight", [outputs, rank]),
    ]
    if hasBias { entries.append(.init("lora_B.bias", [outputs])) }
    let tensors = TensorsBlueprint(entries) { generator in
      initialValues(rank: rank, inputs: inputs, outputs: outputs, &generator)
    }
    return LayerBlueprint(tensors, rank: rank, alpha: alpha) {
      LoRALayer(
        a: $0["lora_A.weight"]!, b: $0["lora_B.weight"]!, bias: $0["lora_B.bias"], scale: scale,
        dropout: dropout)
    }
  }

  private func blueprint(
    _ layer: Embedding, rank: Int, alpha: Double, _ scale: Float
  ) -> LayerBlueprint {
    let (rows, width) = (layer.weight.shape[0], layer.weight.shape[1])
    let tensors = TensorsBlueprint([
      .init("lora_embedding_A", [rank, rows]), .init("lora_embedding_B", [width, rank]),
    ]) { generator in
      // The other side is zero than in a linear layer, as in loralib and PEFT.
      let a =
        initialization == .random
        ? Tensor(normal: 1, shape: [rank, rows], using: &generator) : Tensor(zeros: [rank, rows])
      return [
        "lora_embedding_A": a,
        "lora_embedding_B": Tensor(normal: 1, shape: [width, rank], using: &generator),
      ]
    }
    return LayerBlueprint(tensors, rank: rank, alpha: alpha) {
      LoRAEmbeddingLayer(
        a: $0["lora_embedding_A"]!, b: $0["lora_embedding_B"]!, scale: scale)
    }
  }
}
