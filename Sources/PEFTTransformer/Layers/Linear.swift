public import PEFTTensor

/// Takes over the forward of a linear layer, using the layer itself as its base.
public protocol LinearAdapter: Module {
  /// The adapted output.
  ///
  /// - Parameters:
  ///   - input: `[..., N]`.
  ///   - base: the layer, whose own map is `base.project`.
  ///   - context: of this forward pass.
  /// - Returns: `[..., M]`.
  func forward(_ input: Tensor, base: Linear, _ context: ForwardContext) -> Tensor
}

/// `x W^T + b`, with a slot for an adapter.
public final class Linear: Module {
  /// `[M, N]`, or `[N, M]` with the layout `.inputOutput`.
  public let weight: Parameter
  /// `[M]`, or nil.
  public let bias: Parameter?
  /// How the weight lies: Hugging Face's `Linear`, or GPT-2's `Conv1D`.
  public let layout: WeightLayout
  /// What takes over the forward.
  public var adapter: (any LinearAdapter)?

  /// A layer from its parameters.
  public init(weight: Parameter, bias: Parameter? = nil, layout: WeightLayout = .outputInput) {
    (self.weight, self.bias, self.layout) = (weight, bias, layout)
  }

  /// N.
  public var inputs: Int { weight.shape[layout == .outputInput ? 1 : 0] }
  /// M.
  public var outputs: Int { weight.shape[layout == .outputInput ? 0 : 1] }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    ["weight": weight, "bias": bias, "": SlotMember(adapter)]
  }

  /// The output, adapted where there is an adapter.
  public func callAsFunction(_ input: Tensor, _ context: ForwardContext) -> Tensor {
    adapter?.forward(input, base: self, context) ?? project(input)
  }

  /// Keeps the weight in a precision from now on, where it is frozen.
  public func store(as precision: Precision) { weight.store(as: precision, layout) }

  /// The layer's own map, with low-rank branches beside it.
  public func project(_ input: Tensor, branches: [LowRankBranch] = []) -> Tensor {
    input.linear(weight.operand(layout), bias: bias?.tensor, branches: branches)
  }
}
