/// Tells when evaluations have stopped getting better.
///
///     var patience = EarlyStopping(patience: 3)
///     try trainer.run(data, evaluationData: held) { event in
///       if case .evaluation(let evaluation) = event { return !patience.shouldStop(after: evaluation.loss) }
///       return true
///     }
public struct EarlyStopping: Sendable, Hashable {
  /// How many evaluations in a row may be no better than the best before them.
  public let patience: Int
  /// By how much a loss must be smaller than the best to count as better.
  public let minimumImprovement: Double
  /// The smallest loss so far.
  public private(set) var best = Double.infinity
  private var misses = 0

  /// Starts without an evaluation.
  public init(patience: Int, minimumImprovement: Double = 0) {
    precondition(patience > 0, "EarlyStopping: patience \(patience)")
    self.patience = patience
    self.minimumImprovement = minimumImprovement
  }

  /// Takes note of an evaluation, and tells whether to stop after it.
  public mutating func shouldStop(after loss: Double) -> Bool {
    if loss < best - minimumImprovement {
      best = loss
      misses = 0
    } else {
      misses += 1
    }
    return misses >= patience
  }
}
