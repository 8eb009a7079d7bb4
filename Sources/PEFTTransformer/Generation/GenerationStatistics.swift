/// What a generation took.
public struct GenerationStatistics: Sendable, Hashable {
  /// How many tokens the prompts have.
  public internal(set) var promptTokens = 0
  /// How many tokens were generated, those that end a row included.
  public internal(set) var newTokens = 0
  /// The time until the first new token of each row was known.
  public internal(set) var promptTime = Duration.zero
  /// The time of all other tokens, with what was done about each.
  public internal(set) var tokenTime = Duration.zero
  /// The most memory that keys and values took, in bytes.
  public internal(set) var cacheByteCount = 0
  /// How many of the tokens are not the first of their row.
  var laterTokens = 0

  /// Nothing yet.
  public init() {}

  /// New tokens of all rows a second, after the first of each; nil where there are no others.
  public var tokensPerSecond: Double? {
    let seconds = tokenTime / .seconds(1)
    return laterTokens > 0 && seconds > 0 ? Double(laterTokens) / seconds : nil
  }
}

/// Counts what a generation takes, where somebody wants to know.
struct GenerationMeter {
  private(set) var statistics = GenerationStatistics()
  private let isOn: Bool
  private let start = ContinuousClock.now

  init(_ prompts: [[Int32]], isOn: Bool) {
    self.isOn = isOn
    statistics.promptTokens = prompts.reduce(0) { $0 + $1.count }
  }

  /// Counts the tokens that are known after something was fed.
  mutating func note(_ feeder: TokenFeeder, tokens: Int) {
    guard isOn else { return }
    let time = ContinuousClock.now - start
    if statistics.newTokens == 0 {
      statistics.promptTime = time
    } else {
      statistics.tokenTime = time - statistics.promptTime
      statistics.laterTokens += tokens
    }
    statistics.newTokens += tokens
    statistics.cacheByteCount = max(statistics.cacheByteCount, feeder.cacheByteCount)
  }
}
