internal import PEFTCheckpoints
internal import PEFTJSON
import PEFTTensor

/// What LoHa and LoKr have in common: two kinds of dropout, and the fields of their files.
protocol LycorisMethod: PatternedMethod, StoredMethod {
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
    try checkRanks()
    for (name, value) in [("rank_dropout", rankDropout), ("module_dropout", moduleDropout)]
    where !(value >= 0 && value < 1) {
      throw .invalidSetting(name, expected: "a probability below 1", found: "\(value)")
    }
    try selection.refuseAllBut([.layers])
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
