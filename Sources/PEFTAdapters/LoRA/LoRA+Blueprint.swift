import PEFTTensor
import PEFTTransformer

extension LoRA {
  /// A and B beside a linear layer or an embedding.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    if let tokenRows, adapts(site) {
      if try Selector(selection).isTarget(site.path) {
        throw .notAdaptable(
          module: site.path,
          reason: "some of its rows are trained as those of trainable_token_indices already")
      }
      return try tokenRows.blueprint(site)
    }
    let (rank, alpha) = try size(at: site.path)
    let scale = scale(rank: rank, alpha: alpha)
    if let layer = site.linear {
      return try blueprint(layer, site, rank: rank, alpha: alpha, scale)
    }
    guard let layer = site.embedding else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); LoRA adapts linear layers and embeddings")
    }
    if hasBias {
      throw .notAdaptable(module: site.path, reason: "lora_bias is for linear layers only")
    }
    if !initialization.fitsEmbeddings {
      throw .notAdaptable(
        module: site.path,
        reason: "the start \(initialization) is for linear layers only, as in PEFT")
    }
    return blueprint(layer, rank: rank, alpha: alpha, scale)
  }

  private func blueprint(
    _ layer: Linear, _ site: AdapterSite, rank: Int, alpha: Double, _ scale: Float
  ) throws(AdapterError) -> LayerBlueprint {
    let (inputs, outputs, dropout) = (layer.inputs, layer.outputs, dropout)
    try initialization.check(rank: rank, inputs: inputs, outputs: outputs, site.path)
    let narrow = [rank, inputs]
    let wide = [outputs, rank]
    var entries: [TensorsBlueprint.Entry] = [
      .init("lora_A.weight", narrow, freezesA ? .kept : .trained), .init("lora_B.weight", wide),
    ]
    if hasBias { entries.append(.init("lora_B.bias", [outputs])) }
    if usesWeightDecomposition { entries.append(.init("lora_magnitude_vector", [outputs])) }
    if let role = initialization.startRole {
      entries += [
        .init("lora_start_A.weight", narrow, role), .init("lora_start_B.weight", wide, role),
      ]
    }
    let norms = RowNorms(layer.weight, layer.layout)
    let tensors = TensorsBlueprint(entries) { (generator) throws(AdapterError) in
      var values = try initialValues(
        site, layer, rank: rank, scale: scale, &generator)
      if usesWeightDecomposition, let a = values["lora_A.weight"], let b = values["lora_B.weight"] {
        let sum = initialization.startRole == nil
        values["lora_magnitude_vector"] = norms.values(
          a: a, b: sum ? b.scaled(scale, plus: 0) : Tensor(zeros: b.shape))
      }
      return values
    }
    return LayerBlueprint(tensors, rank: rank, alpha: alpha) { tensors in
      let start = tensors["lora_start_A.weight"].flatMap { a in
        tensors["lora_start_B.weight"].map { (a: a, b: $0) }
      }
      return LoRALayer(
        a: tensors["lora_A.weight"]!, b: tensors["lora_B.weight"]!, bias: tensors["lora_B.bias"],
        magnitude: tensors["lora_magnitude_vector"], start: start, scale: scale,
        dropout: dropout, norms: norms)
    }
  }

  private func blueprint(
    _ layer: Embedding, rank: Int, alpha: Double, _ scale: Float
  ) -> LayerBlueprint {
    let (rows, width) = (layer.weight.shape[0], layer.weight.shape[1])
    var entries: [TensorsBlueprint.Entry] = [
      .init("lora_embedding_A", [rank, rows]), .init("lora_embedding_B", [width, rank]),
    ]
    if usesWeightDecomposition { entries.append(.init("lora_magnitude_vector", [width])) }
    let norms = RowNorms(layer.weight, .inputOutput)
    let tensors = TensorsBlueprint(entries) { generator in
      // The other side is zero than in a linear layer, as in loralib and PEFT.
      let a =
        initialization == .random
        ? Tensor(normal: 1, shape: [rank, rows], using: &generator) : Tensor(zeros: [rank, rows])
      let b = Tensor(normal: 1, shape: [width, rank], using: &generator)
      var values = ["lora_embedding_A": a, "lora_embedding_B": b]
      if usesWeightDecomposition {
        values["lora_magnitude_vector"] = norms.values(a: a, b: b.scaled(scale, plus: 0))
      }
      return values
    }
    return LayerBlueprint(tensors, rank: rank, alpha: alpha) {
      LoRAEmbeddingLayer(
        a: $0["lora_embedding_A"]!, b: $0["lora_embedding_B"]!,
        magnitude: $0["lora_magnitude_vector"], scale: scale, norms: norms)
    }
  }
}
