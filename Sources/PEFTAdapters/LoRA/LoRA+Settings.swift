extension LoRA {
  /// Refuses ranks, alphas and probabilities out of range.
  public func checkSettings() throws(AdapterError) {
    try Self.checkRank(rank, "rank")
    for entry in rankPattern { try Self.checkRank(entry.value, "rank_pattern") }
    for value in [alpha] + alphaPattern.map(\.value) where !value.isFinite {
      throw .invalidSetting("alpha", expected: "a finite number", found: "\(value)")
    }
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

  /// Refuses patterns of ranks and alphas that match no module.
  public func checkEntries(_ paths: [String]) throws(AdapterError) {
    let ranks = try PatternTable(rankPattern, setting: "rank_pattern")
    try Resolution.refuse(
      "rank_pattern", ranks.dead(among: paths).map { rankPattern[$0].pattern }, paths)
    let alphas = try PatternTable(alphaPattern, setting: "alpha_pattern")
    try Resolution.refuse(
      "alpha_pattern", alphas.dead(among: paths).map { alphaPattern[$0].pattern }, paths)
  }
}
