public import PEFTTensor
public import PEFTTransformer

/// Delta-LoRA beside one linear layer.
public final class DeltaLoRALayer: LinearAdapterLayer {
  /// A, `[R, N]`.
  public let a: Parameter
  /// B, `[M, R]`.
  public let b: Parameter
  /// A as W began to move, `[R, N]`.
  public let startA: Parameter
  /// B as W began to move, `[M, R]`.
  public let startB: Parameter
  /// What W has moved by, as a product `[M, 2 R]` times `[2 R, N]` that is to be multiplied by `lambda s`; nil before it moves.
  var movement: (left: Tensor, right: Tensor)?
  private let method: DeltaLoRA

  init(a: Parameter, b: Parameter, startA: Parameter, startB: Parameter, _ method: DeltaLoRA) {
    (self.a, self.b, self.startA, self.startB) = (a, b, startA, startB)
    self.method = method
  }

  /// The factor of the trained branch.
  var scale: Float { method.scale }
  /// The factor of the movement.
  var movementScale: Float { Float(method.ratio * method.alpha / Double(method.rank)) }

  /// Yes.
  public var isAdditive: Bool { true }

  /// The trained branch, and with `.factored` what W has moved by.
  public func branches(_ context: ForwardContext) -> [LowRankBranch] {
    let trained = LowRankBranch(a: a.tensor, b: b.tensor, scale: scale)
    guard method.base == .factored, let movement else { return [trained] }
    return [
      trained, LowRankBranch(a: movement.right, b: movement.left, scale: movementScale),
    ]
  }

  /// `W_t + s B A`; with `.moved` the map has W_t already.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    var result = map
    result.weight = map.weight.adding(b.value, a.value, scale: scale)
    if method.base == .factored, let movement {
      result.weight = result.weight.adding(movement.left, movement.right, scale: movementScale)
    }
    return result
  }

  /// Takes up the present factors.
  func move() {
    movement = (
      .concatenated([b.value, startB.value.affine(-1, 0)], axis: 1),
      .concatenated([a.value, startA.value], axis: 0)
    )
  }
}
