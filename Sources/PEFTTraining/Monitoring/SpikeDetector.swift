/// Tells numbers that are far above those before them.
///
///     var detector = SpikeDetector()
///     if detector.isSpike(loss) { ... }
public struct SpikeDetector: Sendable, Hashable, Codable {
  /// How many of the last numbers it compares with.
  public let window: Int
  /// How many of their deviations above their mean a number is a spike.
  public let threshold: Double
  /// The last numbers; a spike stands there as the limit that it was above.
  public private(set) var recent: [Double] = []

  /// A detector that has seen nothing.
  public init(window: Int = 50, threshold: Double = 6) {
    precondition(
      window > 1 && threshold > 0, "SpikeDetector: window \(window), threshold \(threshold)")
    (self.window, self.threshold) = (window, threshold)
  }

  /// What is a spike above; nil until a fifth of the window is filled, ten numbers by default.
  ///
  /// The deviation is taken as a hundredth of the mean at least, so that numbers that hardly differ make no spikes.
  public var limit: Double? {
    if recent.count < max(2, window / 5) { return nil }
    let count = Double(recent.count)
    let mean = recent.reduce(0, +) / count
    let variance = recent.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    return mean + threshold * max(variance.squareRoot(), 0.01 * abs(mean))
  }

  /// Takes note of a number, and tells whether it is a spike; one that is not finite always is.
  public mutating func isSpike(_ value: Double) -> Bool {
    if !value.isFinite { return true }
    let limit = limit ?? .infinity
    recent = recent.suffix(window - 1) + [min(value, limit)]
    return value > limit
  }

  /// Goes on where another one stood, with the last numbers that it saw.
  public mutating func resume(_ recent: [Double]) { self.recent = recent.suffix(window) }
}
