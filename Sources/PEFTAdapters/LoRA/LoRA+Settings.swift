extension LoRA: PatternedMethod {
  /// Refuses ranks, alphas and probabilities out of range.
  public func checkSettings() throws(AdapterError) {
    try checkRanks()
    try tokenRows?.check()
    if !(dropout >= 0 && dropout < 1) {
      throw .invalidSetting("dropout", expected: "a probability below 1", found: "\(dropout)")
    }
    if hasBias, initialization != .kaiming, initialization != .random {
      throw .invalidSetting(
        "lora_bias", expected: "false with a start that PEFT does not load with it", found: "true")
    }
    if hasBias, usesWeightDecomposition {
      throw .invalidSetting("lora_bias", expected: "false with use_dora", found: "true")
    }
    if projectsGradients, !freezesA {
      throw .invalidSetting("projectsGradients", expected: "false without freezesA", found: "true")
    }
    if case .fastPiSSA(let iterations) = initialization, !(0...100).contains(iterations) {
      throw .invalidSetting(
        "init_lora_weights", expected: "0 to 100 iterations", found: "\(iterations)")
    }
  }

  /// The limit keeps sizes that a file makes up from exhausting the memory.
  static func checkRank(_ rank: Int, _ setting: String) throws(AdapterError) {
    if !(1...65_536).contains(rank) {
      throw .invalidSetting(setting, expected: "ranks from 1 to 65536", found: "\(rank)")
    }
  }
}
