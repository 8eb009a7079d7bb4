/// Which optimiser step of how many a training is at.
public struct TrainingProgress: Sendable, Hashable {
  /// The number of the step, from 1.
  public let step: Int
  /// How many steps there are.
  public let total: Int

  /// A place from its numbers.
  public init(step: Int, total: Int) {
    self.step = step
    self.total = total
  }
}
