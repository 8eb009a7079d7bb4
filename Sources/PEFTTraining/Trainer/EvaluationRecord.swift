/// What the evaluations of a training found so far.
public struct EvaluationRecord: Sendable, Hashable, Codable {
  /// The last evaluation: after how many steps.
  public var lastStep: Int?
  /// The smallest loss, and after how many steps; nil before the first.
  public private(set) var best: Best?

  /// The evaluation with the smallest loss.
  public struct Best: Sendable, Hashable, Codable {
    /// After how many steps.
    public let step: Int
    /// The mean loss in nats.
    public let loss: Double

    /// An evaluation from its figures.
    public init(step: Int, loss: Double) { (self.step, self.loss) = (step, loss) }
  }

  /// No evaluation yet.
  public init() {}

  /// A record from its parts.
  public init(lastStep: Int?, best: Best?) { (self.lastStep, self.best) = (lastStep, best) }

  /// Takes note of an evaluation, and tells whether no earlier one was as good.
  mutating func add(step: Int, loss: Double) -> Bool {
    lastStep = step
    guard loss < best?.loss ?? .infinity else { return false }
    best = Best(step: step, loss: loss)
    return true
  }
}
