/// Where the time of a step went after its batches were there, in seconds, and what was computed in it.
public struct StepTimes: Sendable, Hashable {
  /// The losses.
  public var forward: Double
  /// The gradients.
  public var backward: Double
  /// The norm of the gradients, the step of the optimiser, and what observes it.
  public var optimizer: Double
  /// How many multiplications and additions the matrix products and attention of this process took.
  public var operations: Int

  /// Times from their parts.
  public init(
    forward: Double = 0, backward: Double = 0, optimizer: Double = 0, operations: Int = 0
  ) {
    (self.forward, self.backward) = (forward, backward)
    (self.optimizer, self.operations) = (optimizer, operations)
  }

  /// All parts together.
  public var total: Double { forward + backward + optimizer }

  /// How many thousand million operations a second were done.
  public var gigaflops: Double { total > 0 ? Double(operations) / total / 1e9 : 0 }
}
