public import PEFTTensor
public import PEFTTransformer

/// AdaLoRA beside one linear layer.
public final class AdaLoRALayer: LinearAdapterLayer {
  /// Q, `[R, N]`.
  public let a: Parameter
  /// P, `[M, R]`.
  public let b: Parameter
  /// Lambda, `[R, 1]`; zero where a triplet is pruned.
  public let e: Parameter
  /// The factor of the branch.
  public let scale: Float
  private let dropout: Float

  init(a: Parameter, b: Parameter, e: Parameter, scale: Float, dropout: Float) {
    (self.a, self.b, self.e, self.scale, self.dropout) = (a, b, e, scale, dropout)
  }

  /// Yes.
  public var isAdditive: Bool { true }

  /// The branch `s P diag(lambda) Q dropout(x)`; none where no triplet is left.
  public func branches(_ context: ForwardContext) -> [LowRankBranch] {
    if a.count == 0 { return [] }
    let isDropping = dropout > 0 && context.dropout != nil
    return [
      LowRankBranch(
        a: a.tensor * e.tensor, b: b.tensor, scale: scale, dropout: isDropping ? dropout : 0,
        dropoutKey: isDropping ? context.dropout?.next() ?? 0 : 0)
    ]
  }

  /// `W + s P diag(lambda) Q`.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    var result = map
    if a.count > 0 {
      result.weight = map.weight + b.value.matrixProduct(a.value * e.value) * scale
    }
    return result
  }
}
