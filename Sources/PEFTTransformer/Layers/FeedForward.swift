public import PEFTTensor

/// The two maps of a block with an activation between them, gated or not.
public final class FeedForward: Module {
  /// D to F, multiplied with the activated gate; nil where there is none.
  public let gate: Linear?
  /// D to F, or to F for the gate and F beside it where they are one map.
  public let up: Linear
  /// F to D.
  public let down: Linear
  private let isFused: Bool
  private let activation: Activation
  private let dropout: Float
  private let names: TransformerConfiguration.Names

  init(gate: Linear?, up: Linear, down: Linear, _ configuration: TransformerConfiguration) {
    (self.gate, self.up, self.down) = (gate, up, down)
    (isFused, activation) = (configuration.hasFusedGate, configuration.activation)
    dropout = configuration.dropout.residual
    names = configuration.names
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    var members: Members = [names.up: up, names.down: down]
    if let gate { members = ([names.gate: gate] as Members).joined(with: members) }
    return members
  }

  /// `[B, T, D]` to `[B, T, D]`.
  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let inner: Tensor
    if let gate {
      inner = gated(gate(x, context), up(x, context))
    } else if isFused {
      let both = up(x, context)
      let width = both.columns / 2
      inner = gated(both.columns(0..<width), both.columns(width..<2 * width))
    } else {
      inner = up(x, context).activated(activation)
    }
    return down(inner, context).dropped(dropout, context.dropout)
  }

  private func gated(_ gate: Tensor, _ up: Tensor) -> Tensor {
    activation == .silu ? .swiglu(gate: gate, up: up) : gate.activated(activation) * up
  }
}
