public import PEFTCheckpoints
public import PEFTTensor

/// How a parameter starts in a model that is made new.
public enum InitialValue: Sendable, Hashable {
  /// All zeros.
  case zeros
  /// All ones.
  case ones
  /// Normal with mean 0 and this deviation.
  case normal(Float)
}

/// Where a model that is being built gets its parameters from, by path: random numbers or a checkpoint.
public protocol ParameterSource: AnyObject {
  /// The parameter at a path.
  ///
  /// - Parameters:
  ///   - path: the names from the model to the parameter.
  ///   - shape: what the model expects.
  ///   - initial: how it starts where nothing is stored.
  /// - Returns: a frozen or trainable parameter of that shape.
  /// - Throws: `CheckpointError` where it is missing or has another shape.
  func parameter(
    _ path: String, _ shape: [Int], _ initial: InitialValue
  ) throws(CheckpointError) -> Parameter
}

/// Parameters made new from a seed.
public final class RandomParameters: ParameterSource {
  private var generator: Generator
  private let isTrainable: Bool

  /// The same seed gives the same model.
  public init(seed: UInt64, isTrainable: Bool = true) {
    generator = Generator(seed: seed)
    self.isTrainable = isTrainable
  }

  /// A new parameter.
  public func parameter(
    _ path: String, _ shape: [Int], _ initial: InitialValue
  ) throws(CheckpointError) -> Parameter {
    switch initial {
    case .zeros: Parameter(Tensor(zeros: shape), isTrainable: isTrainable)
    case .ones: Parameter(Tensor(repeating: 1, shape: shape), isTrainable: isTrainable)
    case .normal(let deviation):
      Parameter(
        Tensor(normal: deviation, shape: shape, using: &generator), isTrainable: isTrainable)
    }
  }
}
