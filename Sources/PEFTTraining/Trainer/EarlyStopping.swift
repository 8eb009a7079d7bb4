/// Tells when evaluations have stopped getting better.
///
/// A `Trainer` that has one ends by it. In a loop of one's own:
///
///     var patience = EarlyStopping(patience: 3)
///     while !patience.shouldStop(after: evaluate()) { train() }
public struct EarlyStopping: Sendable, Hashable, Codable {
  /// How many evaluations in a row may be no better than the best before them.
  public let patience: Int
  /// By how much a loss must be smaller than the best to count as better.
  public let minimumImprovement: Double
  /// The smallest loss so far; nil before the first evaluation.
  public private(set) var best: Double?
  /// How many evaluations in a row were no better.
  public private(set) var misses = 0

  /// Starts without an evaluation.
  public init(patience: Int, minimumImprovement: Double = 0) {
    precondition(
      patience > 0 && minimumImprovement >= 0,
      "EarlyStopping: patience \(patience), minimum improvement \(minimumImprovement)")
    self.patience = patience
    self.minimumImprovement = minimumImprovement
  }

  /// Whether the patience is at its end.
  public var isExhausted: Bool { misses >= patience }

  /// Takes note of an evaluation, and tells whether to stop after it.
  public mutating func shouldStop(after loss: Double) -> Bool {
    if loss < (best ?? .infinity) - minimumImprovement {
      best = loss
      misses = 0
    } else {
      misses += 1
    }
    return isExhausted
  }

  /// Goes on where another one stood.
  ///
  /// - Parameters:
  ///   - best: its smallest loss.
  ///   - misses: how many evaluations in a row were no better.
  public mutating func resume(best: Double?, misses: Int) {
    (self.best, self.misses) = (best, misses)
  }
}
