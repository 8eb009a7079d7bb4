internal import PEFTCheckpoints
internal import PEFTJSON
import PEFTTensor

/// What LoHa and LoKr have in common: ranks and alphas by pattern, and two kinds of dropout.
protocol LycorisMethod: StoredMethod {
  var rank: Int { get set }
  var alpha: Double { get set }
  var rankPattern: [PatternValue<Int>] { get set }
  var alphaPattern: [PatternValue<Double>] { get set }
  var rankDropout: Float { get set }
  var moduleDropout: Float { get set }
}

extension LycorisMethod {
  /// Refuses ranks, alphas and probabilities out of range.
  public func checkSettings() throws(AdapterError) {
    try LoRA.checkRank(rank, "rank")
    for entry in rankPattern { try LoRA.checkRank(entry.value, "rank_pattern") }
    for value in [alpha] + alphaPattern.map(\.value) where !value.isFinite {
      throw .invalidSetting("alpha", expected: "a finite number", found: "\(value)")
    }
    for (name, value) in [("rank_dropout", rankDropout), ("module_dropout", moduleDropout)]
    where !(value >= 0 && value < 1) {
      throw .invalidSetting(name, expected: "a probability below 1", found: "\(value)")
    }
    try selection.refuseAllBut([.layers])
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
  func scale(at path: String) throws(AdapterError) -> (rank: Int, alpha: Double) {
    (
      try PatternTable(rankPattern, setting: "rank_pattern").value(path) ?? rank,
      try PatternTable(alphaPattern, setting: "alpha_pattern").value(path) ?? alpha
    )
  }

  /// Reads what both have.
  mutating func read(_ file: ConfigurationFile) throws(CheckpointError) {
    rank = try file.positiveInteger("r", default: 8)
    alpha = try file.number("alpha", default: 8)
    rankPattern = try file.patterns("rank_pattern") { $0.integer }
    alphaPattern = try file.patterns("alpha_pattern") { $0.number }
    rankDropout = Float(try file.number("rank_dropout", default: 0))
    moduleDropout = Float(try file.number("module_dropout", default: 0))
    selection = try file.selection()
    // It is for convolutions.
    file.ignore(["use_effective_conv2d"])
  }

  /// The fields that both have, as PEFT writes them.
  func commonFields(_ context: StorageContext) -> [JSON.Member] {
    context.fields(type: Self.type, selection) + [
      .init("alpha", .shortest(alpha)),
      .init(
        "alpha_pattern", .object(alphaPattern.map { .init($0.pattern, .shortest($0.value)) })),
      .init("module_dropout", .number(Double("\(moduleDropout)") ?? 0)),
      .init("r", .integer(rank)),
      .init("rank_dropout", .number(Double("\(rankDropout)") ?? 0)),
      .init("rank_pattern", .object(rankPattern.map { .init($0.pattern, .integer($0.value)) })),
      .init("use_effective_conv2d", .bool(false)),
    ]
  }
}
