public import PEFTTensor

/// Normalisation of every row: layer norm where it subtracts the mean, root mean square where not.
public final class Norm: Module {
  /// The two kinds.
  public enum Kind: String, Sendable, Codable {
    /// Subtracts the mean, divides by the deviation, has a bias.
    case layer
    /// Divides by the root mean square.
    case rootMeanSquare
  }

  /// `[D]`.
  public let weight: Parameter
  /// `[D]`; nil for the root mean square.
  public let bias: Parameter?
  private let epsilon: Float

  /// A layer norm where there is a bias.
  public init(weight: Parameter, bias: Parameter?, epsilon: Float) {
    (self.weight, self.bias, self.epsilon) = (weight, bias, epsilon)
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members { ["weight": weight, "bias": bias] }

  /// The rows, normalised: `[..., D]`.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    if let bias {
      input.layerNorm(weight: weight.tensor, bias: bias.tensor, epsilon: epsilon)
    } else {
      input.rmsNorm(weight: weight.tensor, epsilon: epsilon)
    }
  }
}
