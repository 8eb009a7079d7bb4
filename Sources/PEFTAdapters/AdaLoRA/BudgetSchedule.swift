internal import Foundation

/// How many ranks all layers of an AdaLoRA adapter may have together at each step.
public struct BudgetSchedule: Sendable, Hashable {
  /// The sum of the ranks at the start.
  public var initial: Int
  /// The sum of the ranks at the end.
  public var target: Int
  /// The steps of the training.
  public var totalSteps: Int
  /// The steps before the budget falls.
  public var initialSteps: Int
  /// The steps after it has fallen.
  public var finalSteps: Int
  /// How many steps there are between two allocations.
  public var interval: Int

  /// A schedule from its parts.
  public init(
    initial: Int, target: Int, totalSteps: Int, initialSteps: Int, finalSteps: Int, interval: Int
  ) {
    (self.initial, self.target, self.totalSteps) = (initial, target, totalSteps)
    (self.initialSteps, self.finalSteps) = (initialSteps, finalSteps)
    self.interval = interval
  }

  /// The step of the last allocation, after which the pattern stays.
  public var lastAllocation: Int { totalSteps - finalSteps }

  /// The budget at a step, counted from 0, and whether ranks are allocated then.
  ///
  /// `b_T + (b_0 - b_T) (1 - (t - t_i) / (T - t_f - t_i))^3` in the middle, rounded down.
  public func callAsFunction(_ step: Int) -> (budget: Int, allocates: Bool) {
    if step <= initialSteps { return (initial, false) }
    if step > lastAllocation { return (target, true) }
    let left =
      1 - Double(step - initialSteps) / Double(lastAllocation - initialSteps)
    let budget = Int(Double(initial - target) * Foundation.pow(left, 3) + Double(target))
    return (budget, step % interval == 0 || step == lastAllocation)
  }
}
