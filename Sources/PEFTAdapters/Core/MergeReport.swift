package import PEFTTensor

/// How well a merged model agrees with the adapted one.
public struct MergeReport: Sendable, Hashable {
  /// How many parameters of the base were changed.
  public var parameters: Int
  /// The largest difference of an output of the probe, before and after.
  public var largestDifference: Float
  /// The largest output of the probe, to compare with.
  public var largestOutput: Float

  /// A report of these figures.
  public init(parameters: Int, largestDifference: Float, largestOutput: Float) {
    self.parameters = parameters
    self.largestDifference = largestDifference
    self.largestOutput = largestOutput
  }

  /// Compares two outputs of one shape; a number in either that is not finite shows in the figures.
  package init(parameters: Int, before: Tensor, after: Tensor) {
    func largest(_ values: some Sequence<Float>) -> Float {
      values.reduce(0) { $0.isNaN || $1.isNaN ? .nan : max($0, abs($1)) }
    }
    let (old, new) = (before.array, after.array)
    self.init(
      parameters: parameters, largestDifference: largest(zip(old, new).lazy.map { $0 - $1 }),
      largestOutput: largest(old))
  }

  /// The difference as a share of the largest output.
  public var relativeDifference: Float {
    largestOutput > 0 ? largestDifference / largestOutput : largestDifference
  }
}
