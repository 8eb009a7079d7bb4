public import PEFTTensor

/// The two maps of a block with an activation between them, gated or not.
public final class FeedForward: Module {
  /// D to F, multiplied with the activated gate; nil where there is none.
  public let gate: Linear?
  /// D to F.
  public let up: Linear
  /// F to D.
  public let down: Linear
  private let activation: Activation
  private let dropout: Float
  private let names: TransformerConfiguration.Names

  init(gate: Linear?, up: Linear, down: Linear, _ configuration: TransformerConfiguration) {
    (self.gate, self.up, self.down) = (gate, up, down)
    activation = configuration.activation
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
      let (g, u) = (gate(x, context), up(x, context))
      inner =
        activation == .silu ? .swiglu(gate: g, up: u) : g.activated(activation) * u
    } else {
      inner = up(x, context).activated(activation)
    }
    return down(inner, context).dropped(dropout, context.dropout)
  }
}
