public import PEFTTensor
public import PEFTTransformer

/// A bottleneck adapter behind one linear layer.
public final class BottleneckLayer: LinearAdapterLayer {
  /// D `[m, D]` and its bias `[m]`.
  public let down: (weight: Parameter, bias: Parameter)
  /// U `[D, m]` and its bias `[D]`.
  public let up: (weight: Parameter, bias: Parameter)
  /// What stands between the two.
  public let activation: Activation

  init(
    down: (weight: Parameter, bias: Parameter), up: (weight: Parameter, bias: Parameter),
    activation: Activation
  ) {
    (self.down, self.up, self.activation) = (down, up, activation)
  }

  /// `h + U f(D h + d) + u` of the output `h` of what is inside.
  public func forward(
    _ input: Tensor, base: Linear, _ context: ForwardContext, inner: (Tensor) -> Tensor
  ) -> Tensor {
    let output = inner(input)
    let narrow = output.linear(weight: down.weight.tensor, bias: down.bias.tensor)
    return output
      + narrow.activated(activation).linear(weight: up.weight.tensor, bias: up.bias.tensor)
  }

  /// Never possible.
  ///
  /// - Throws: `AdapterError.notAdaptable`.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    throw .notAdaptable(
      module: path,
      reason:
        "a bottleneck adapter has an activation between its two maps, which no weight can hold; keep it unmerged"
    )
  }
}
