public import PEFTTensor
public import PEFTTransformer

/// Quantum-PEFT beside one linear layer.
public final class QuantumPEFTLayer: LinearAdapterLayer {
  /// Always.
  public var isSummand: Bool { true }
  /// The singular values lambda, `[K]`.
  public let values: Parameter
  /// s.
  public let scale: Float
  private let left: OrthonormalFrame
  private let right: OrthonormalFrame
  private let leftParameters: [Parameter]
  private let rightParameters: [Parameter]

  init(
    left: OrthonormalFrame, leftParameters: [Parameter], right: OrthonormalFrame,
    rightParameters: [Parameter], values: Parameter, scale: Float
  ) {
    (self.left, self.leftParameters) = (left, leftParameters)
    (self.right, self.rightParameters) = (right, rightParameters)
    (self.values, self.scale) = (values, scale)
  }

  /// U^T, `[K, M]`, with orthonormal rows.
  public var u: Tensor { left.rows(leftParameters.map(\.tensor)) }
  /// V^T, `[K, N]`, with orthonormal rows.
  public var v: Tensor { right.rows(rightParameters.map(\.tensor)) }

  /// The branch `s U diag(lambda) V^T x`.
  public func branches(_ context: ForwardContext) -> [LowRankBranch] {
    let rank = values.count
    return [
      LowRankBranch(
        a: v, b: (u * values.tensor.reshaped([rank, 1])).transposed, scale: scale)
    ]
  }

  /// `W + s U diag(lambda) V^T`.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    var result = map
    let branch = branches(ForwardContext())[0]
    result.weight = map.weight + branch.b.matrixProduct(branch.a) * scale
    return result
  }
}
