/// The highest learning rate of a method on the small models that a comparison is made for, and why it is that.
///
/// Each is the better of two rates, a factor of three to five apart, for one of its methods on the task of the built-in model.
enum LearningRate: Double {
  /// All weights move at once, so a step changes the output most.
  case wholeWeights = 3e-3
  /// One of two factors starts at zero, which makes the first steps small.
  case lowRank = 1e-2
  /// The second of two factors is 16 times as fast as this.
  case fastSecondFactor = 2e-3
  /// Two small matrices around an activation.
  case bottlenecks = 2e-2
  /// A product of more than two factors is small for longer; single weights move alone.
  case products = 3e-2
  /// Scales, angles, vectors between frozen matrices and virtual tokens have far to go.
  case vectors = 1e-1
}
