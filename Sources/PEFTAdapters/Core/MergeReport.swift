/// How well a merged model agrees with the adapted one.
public struct MergeReport: Sendable, Hashable {
  /// How many parameters of the base were changed.
  public var parameters: Int
  /// The largest difference of an output of the probe, before and after.
  public var largestDifference: Float
  /// The largest output of the probe, to compare with.
  public var largestOutput: Float

  /// The difference as a share of the largest output.
  public var relativeDifference: Float {
    largestOutput > 0 ? largestDifference / largestOutput : largestDifference
  }
}
