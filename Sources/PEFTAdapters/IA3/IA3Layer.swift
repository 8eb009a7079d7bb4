public import PEFTTensor
public import PEFTTransformer

/// IA3 beside one linear layer.
public final class IA3Layer: LinearAdapterLayer {
  /// `l`: `[M, 1]`, or `[1, N]` where it scales the input.
  public let scale: Parameter
  /// Whether it scales the input.
  public let scalesInput: Bool

  init(scale: Parameter, scalesInput: Bool) {
    (self.scale, self.scalesInput) = (scale, scalesInput)
  }

  /// The output of what is inside, with it or its input scaled.
  public func forward(
    _ input: Tensor, base: Linear, _ context: ForwardContext, inner: (Tensor) -> Tensor
  ) -> Tensor {
    let vector = scale.tensor.reshaped([scale.count])
    return scalesInput ? inner(input * vector) : inner(input) * vector
  }

  /// `W` with scaled columns, or with scaled rows and the bias scaled as well.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    var result = map
    result.weight = map.weight * scale.value
    if !scalesInput { result.bias = map.bias.map { $0 * scale.value.reshaped([scale.count]) } }
    return result
  }
}
