import PEFTTensor
import PEFTTransformer

extension AdaLoRA {
  /// Refuses ranks, schedules and factors that make no sense.
  public func checkSettings() throws(AdapterError) {
    try LoRA.checkRank(initialRank, "init_r")
    func check(_ setting: String, _ isRight: Bool, _ expected: String, _ found: Any)
      throws(AdapterError)
    {
      if !isRight { throw .invalidSetting(setting, expected: expected, found: "\(found)") }
    }
    try check(
      "target_r", (0...initialRank).contains(targetRank),
      "a rank of at most init_r, \(initialRank)",
      targetRank)
    try check("lora_alpha", alpha.isFinite, "a finite number", alpha)
    try check("lora_dropout", dropout >= 0 && dropout < 1, "a probability below 1", dropout)
    try check("total_step", totalSteps > 0, "the number of training steps", totalSteps)
    try check("tinit", initialSteps >= 0, "a number of steps", initialSteps)
    try check("tfinal", finalSteps >= 0, "a number of steps", finalSteps)
    try check(
      "total_step", initialSteps < totalSteps - finalSteps,
      "more steps than tinit and tfinal, \(initialSteps) + \(finalSteps)", totalSteps)
    try check("deltaT", interval > 0, "a positive number of steps", interval)
    for (name, value) in [("beta1", sensitivityDecay), ("beta2", uncertaintyDecay)] {
      try check(name, value > 0 && value < 1, "a number between 0 and 1", value)
    }
    try check(
      "orth_reg_weight", orthogonalityWeight >= 0 && orthogonalityWeight.isFinite,
      "a number that is not negative", orthogonalityWeight)
    for (path, kept) in keptTriplets where kept.count != initialRank {
      throw .invalidSetting(
        "rank_pattern", expected: "\(initialRank) values for \(path)", found: "\(kept.count)")
    }
  }

  /// Refuses a pattern for a module that is not adapted.
  public func checkEntries(_ paths: [String]) throws(AdapterError) {
    let paths = Set(paths)
    try Resolution.refuse(
      "rank_pattern", keptTriplets.keys.filter { !paths.contains($0) }.sorted(), Array(paths))
  }

  /// P, lambda and Q beside a linear layer.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard let layer = site.linear else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); AdaLoRA adapts linear layers")
    }
    let rank = keptTriplets[site.path]?.lazy.filter { $0 }.count ?? initialRank
    let (inputs, outputs, scale, dropout) = (layer.inputs, layer.outputs, scale, dropout)
    let isRandom = initialization == .random
    let tensors = TensorsBlueprint([
      .init("lora_A", [rank, inputs]), .init("lora_B", [outputs, rank]),
      .init("lora_E", [rank, 1]),
    ]) { generator in
      let deviation: Float = isRandom ? 1 : 0.02
      return [
        "lora_A": Tensor(normal: deviation, shape: [rank, inputs], using: &generator),
        "lora_B": Tensor(normal: deviation, shape: [outputs, rank], using: &generator),
        "lora_E": isRandom
          ? Tensor(normal: 1, shape: [rank, 1], using: &generator) : Tensor(zeros: [rank, 1]),
      ]
    }
    return LayerBlueprint(tensors, rank: rank, alpha: alpha) {
      AdaLoRALayer(
        a: $0["lora_A"]!, b: $0["lora_B"]!, e: $0["lora_E"]!, scale: scale, dropout: dropout)
    }
  }

  /// The allocation of ranks.
  public func controller(_ adapter: Adapter) -> (any AdapterController)? {
    RankAllocator(self, adapter)
  }
}

extension AdaLoRA: ModuleNamingMethod {
  /// The triplets that were kept, by the paths of the model.
  mutating func takeOwnNames(_ names: EarlierNames) -> Bool {
    let before = keptTriplets
    keptTriplets = Dictionary(
      keptTriplets.map { (names.aliases.own($0.key), $0.value) },
      uniquingKeysWith: { first, _ in first })
    return keptTriplets != before
  }
}
