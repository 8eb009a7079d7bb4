/// A method with a rank and an alpha that patterns can change for some modules: LoRA, LoHa and LoKr.
protocol PatternedMethod: AdapterMethod, ModuleNamingMethod {
  var rank: Int { get }
  var alpha: Double { get }
  var rankPattern: [PatternValue<Int>] { get set }
  var alphaPattern: [PatternValue<Double>] { get set }
}

extension PatternedMethod {
  /// Refuses ranks and alphas out of range.
  func checkRanks() throws(AdapterError) {
    try LoRA.checkRank(rank, "rank")
    for entry in rankPattern { try LoRA.checkRank(entry.value, "rank_pattern") }
    for value in [alpha] + alphaPattern.map(\.value) where !value.isFinite {
      throw .invalidSetting("alpha", expected: "a finite number", found: "\(value)")
    }
  }

  /// Patterns in the names of the model.
  mutating func takeOwnNames(_ names: EarlierNames) throws(AdapterError) -> Bool {
    let before = (rankPattern, alphaPattern)
    rankPattern = try names.patterns(rankPattern, setting: "rank_pattern")
    alphaPattern = try names.patterns(alphaPattern, setting: "alpha_pattern")
    return (rankPattern, alphaPattern) != before
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

  /// The rank and alpha of a module.
  func size(at path: String) throws(AdapterError) -> (rank: Int, alpha: Double) {
    (
      try PatternTable(rankPattern, setting: "rank_pattern").value(path) ?? rank,
      try PatternTable(alphaPattern, setting: "alpha_pattern").value(path) ?? alpha
    )
  }
}
