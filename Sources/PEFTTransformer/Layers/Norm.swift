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
  private let offset: Float

  /// A layer norm where there is a bias.
  ///
  /// - Parameters:
  ///   - weight: `[D]`.
  ///   - bias: `[D]`; nil for the root mean square.
  ///   - epsilon: added under the root.
  ///   - offset: added to the weight of a root-mean-square norm.
  public init(weight: Parameter, bias: Parameter?, epsilon: Float, offset: Float = 0) {
    (self.weight, self.bias, self.epsilon, self.offset) = (weight, bias, epsilon, offset)
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members { ["weight": weight, "bias": bias] }

  /// The rows, normalised: `[..., D]`.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    if let bias {
      input.layerNorm(weight: weight.tensor, bias: bias.tensor, epsilon: epsilon)
    } else {
      input.rmsNorm(weight: offset == 0 ? weight.tensor : weight.tensor + offset, epsilon: epsilon)
    }
  }

  /// The same for each head of rows that hold heads side by side: `[..., H * D]`.
  func perHead(_ input: Tensor) -> Tensor {
    self(input.reshaped([input.count / weight.count, weight.count])).reshaped(input.shape)
  }
}
