import PEFTTensor

/// An optimiser whose state can lie in a file that is mapped into memory, instead of in memory.
///
/// What others call paged: the state of one parameter at a time is in the process's memory, so that it is bounded by the largest
/// parameter's. Steps give the same bits.
public protocol MappableOptimizer: Optimizer {
  /// Moves the state into a file without a name in a folder, which is gone with the optimiser.
  ///
  /// - Parameter folder: on a disk that holds the whole state, eight bytes for each trained element with `AdamW`, two with `AdamW8bit`.
  ///   In a file system that lies in memory nothing is gained.
  /// - Throws: `TrainingError.stateFile` where the space cannot be reserved; nothing is changed then.
  func mapState(in folder: String) throws(TrainingError)
}

/// An optimiser that remembers running moments, and nothing else.
protocol MomentOptimizer: ResumableOptimizer, MappableOptimizer {
  /// What it remembers.
  var moments: Moments { get set }
}

extension MomentOptimizer {
  /// A copy of what is remembered of each parameter.
  public var state: [String: Tensor] { exactState.tensors }

  /// Takes over a state that `state` gave for the same parameters.
  public func restore(_ state: [String: Tensor]) throws(TrainingError) {
    try moments.restore(state)
  }

  /// Moves the state into a file without a name in a folder.
  public func mapState(in folder: String) throws(TrainingError) { try moments.map(in: folder) }

  package var exactState: OptimizerState { moments.state }

  package func restore(_ state: OptimizerState) throws(TrainingError) {
    try moments.restore(state)
  }
}
