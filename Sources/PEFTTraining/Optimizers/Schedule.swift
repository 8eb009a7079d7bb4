import Foundation

/// How the learning rate runs over the steps of a training: a factor of the optimiser's learning rate.
///
/// Warm-up rises in a line from 0; what follows is constant, or falls to a minimum at the last step. With minimum 0 the
/// factors are those of Hugging Face's `get_constant_`, `get_linear_` and `get_cosine_schedule_with_warmup`; for the
/// cosine with a minimum, of `get_cosine_with_min_lr_schedule_with_warmup`.
public struct Schedule: Sendable, Hashable, Codable {
  /// The course after warm-up.
  public enum Course: String, Sendable, Hashable, Codable, CaseIterable {
    /// 1 throughout.
    case constant
    /// A line from 1 to the minimum.
    case linear
    /// Half a wave of the cosine from 1 to the minimum.
    case cosine
  }

  /// The course after warm-up.
  public var course: Course
  /// How many steps it takes to reach the full learning rate; the first of them has factor 0.
  public var warmup: Int
  /// The factor at the end, in 0...1; of no effect on the constant course.
  public var minimum: Double

  /// A schedule from its parts.
  public init(_ course: Course, warmup: Int = 0, minimum: Double = 0) {
    precondition(
      warmup >= 0 && (0...1).contains(minimum), "Schedule: warmup \(warmup), minimum \(minimum)")
    self.course = course
    self.warmup = warmup
    self.minimum = minimum
  }

  /// The full learning rate throughout.
  public static let constant = Schedule(.constant)

  /// The full learning rate after warm-up.
  public static func constant(warmup: Int) -> Schedule { Schedule(.constant, warmup: warmup) }

  /// A line down to `minimum` after warm-up.
  public static func linear(warmup: Int = 0, minimum: Double = 0) -> Schedule {
    Schedule(.linear, warmup: warmup, minimum: minimum)
  }

  /// Half a cosine wave down to `minimum` after warm-up.
  public static func cosine(warmup: Int = 0, minimum: Double = 0) -> Schedule {
    Schedule(.cosine, warmup: warmup, minimum: minimum)
  }

  /// The factor of one step.
  ///
  /// - Parameters:
  ///   - step: how many steps were taken before.
  ///   - total: how many there are in all; beyond them the factor stays at its end.
  /// - Returns: a factor in 0...1.
  public func factor(step: Int, total: Int) -> Double {
    if step < warmup { return Double(step) / Double(warmup) }
    let length = Double(max(1, total - warmup))
    let height =
      switch course {
      case .constant: 1.0
      case .linear: max(0, Double(total - step) / length)
      case .cosine: 0.5 * (1 + Foundation.cos(.pi * min(1, Double(step - warmup) / length)))
      }
    return minimum + (1 - minimum) * height
  }
}
