public import PEFTTensor
public import PEFTTransformer

/// LoRA beside one linear layer.
public final class LoRALayer: LinearAdapterLayer {
  /// A, `[R, N]`.
  public let a: Parameter
  /// B, `[M, R]`.
  public let b: Parameter
  /// The bias of B, `[M]`, or nil.
  public let bias: Parameter?
  /// The magnitude of every output of DoRA, `[M]`; nil without weight decomposition.
  public let magnitude: Parameter?
  /// What A and B started with, where the base counts as `W - s B0 A0`; nil where it counts as it is.
  public let start: (a: Parameter, b: Parameter)?
  /// The factor of the branch.
  public let scale: Float
  let dropout: Float
  let norms: RowNorms

  init(
    a: Parameter, b: Parameter, bias: Parameter? = nil, magnitude: Parameter? = nil,
    start: (a: Parameter, b: Parameter)? = nil, scale: Float, dropout: Float, norms: RowNorms
  ) {
    (self.a, self.b, self.bias) = (a, b, bias)
    (self.magnitude, self.start) = (magnitude, start)
    (self.scale, self.dropout, self.norms) = (scale, dropout, norms)
  }

  /// Yes, without weight decomposition.
  public var isAdditive: Bool { magnitude == nil }

  /// With weight decomposition, for the lengths.
  public var readsBase: Bool { magnitude != nil }

  /// The branch `s B A dropout(x)`, and `-s B0 A0 x` where they started from the base.
  public func branches(_ context: ForwardContext) -> [LowRankBranch] {
    let isDropping = isDropping(context)
    if isDropping, magnitude != nil { return startBranch }
    return [
      LowRankBranch(
        a: a.tensor, b: b.tensor, bias: bias?.tensor, scale: scale,
        dropout: isDropping ? dropout : 0,
        dropoutKey: isDropping ? context.dropout?.next() ?? 0 : 0)
    ] + startBranch
  }

  /// What is inside, with the lengths of DoRA where it has them.
  public func forward(
    _ input: Tensor, base: Linear, _ context: ForwardContext, inner: (Tensor) -> Tensor
  ) -> Tensor {
    guard let magnitude else { return inner(input) }
    let output = inner(input)
    return isDropping(context)
      ? decomposed(output, input, magnitude, base, context.dropout)
      : decomposed(output, magnitude, base)
  }

  /// The weight with the change of the branch in it, and the bias where B has one.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    var result = map
    result.weight = map.weight + b.value.matrixProduct(a.value) * scale
    if let start {
      result.weight = result.weight - start.b.value.matrixProduct(start.a.value) * scale
    }
    if let magnitude {
      let lengths = RowNorms.norms(of: result.weight)
      let factor = magnitude.value / lengths
      result.weight = result.weight * factor.reshaped([factor.count, 1])
    }
    guard let bias else { return result }
    guard let base = map.bias else {
      throw .notAdaptable(
        module: path, reason: "it has no bias that the adapter's could be merged into")
    }
    result.bias = base + bias.value * scale
    return result
  }

  func isDropping(_ context: ForwardContext) -> Bool { dropout > 0 && context.dropout != nil }

  var startBranch: [LowRankBranch] {
    start.map { [LowRankBranch(a: $0.a.tensor, b: $0.b.tensor, scale: -scale)] } ?? []
  }
}
