public import PEFTTensor
public import PEFTTransformer

/// A random subspace of one linear layer.
public final class RandomSubspaceLayer: LinearAdapterLayer {
  /// Always.
  public var isSummand: Bool { true }
  /// Always: it has what is left of the weight in place of it.
  public var readsBase: Bool { true }
  /// A, `[R, N]`.
  public let a: Parameter
  /// B, `[M, R]`.
  public let b: Parameter
  /// W', as the weight of the base lies.
  public let rest: Parameter
  let layout: WeightLayout
  private let base: () -> Tensor

  init(
    a: Parameter, b: Parameter, rest: Parameter, layout: WeightLayout, base: @escaping () -> Tensor
  ) {
    (self.a, self.b, self.rest) = (a, b, rest)
    (self.layout, self.base) = (layout, base)
    rest.isTrainable = false
  }

  /// The branch `B A x`.
  public func branches(_ context: ForwardContext) -> [LowRankBranch] {
    [LowRankBranch(a: a.tensor, b: b.tensor, scale: 1)]
  }

  /// What is inside, with W' in the place of the weight.
  public func forward(
    _ input: Tensor, base layer: Linear, _ context: ForwardContext, inner: (Tensor) -> Tensor
  ) -> Tensor {
    let before = layer.weight.substitute
    // Of two that are active, the changes of both count.
    layer.weight.substitute =
      before.map { other in
        withoutGradients {
          Parameter(other.value + rest.value - base(), isTrainable: false)
        }
      } ?? rest
    defer { layer.weight.substitute = before }
    return inner(input)
  }

  /// `W + (W' - W0) + B A`, with W0 the weight of the base.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    var result = map
    let change = oriented(rest.value - base())
    result.weight = map.weight + change + b.value.matrixProduct(a.value)
    return result
  }

  /// The weight with the change of the branch in it.
  var whole: Tensor {
    withoutGradients { rest.value + oriented(b.value.matrixProduct(a.value)) }
  }

  /// A matrix `[M, N]` as the weight lies, or the other way round.
  private func oriented(_ matrix: Tensor) -> Tensor {
    layout == .outputInput ? matrix : matrix.transposed
  }
}

extension RandomSubspace.Factorization {
  /// A, B and W', as the weight lies, of a weight.
  func parts(
    of weight: Tensor, _ layout: WeightLayout, rank: Int, _ path: String,
    _ generator: inout Generator
  ) throws(AdapterError) -> (a: Tensor, b: Tensor, rest: Tensor) {
    try withoutGradients { () throws(AdapterError) -> (a: Tensor, b: Tensor, rest: Tensor) in
      let isTurned = layout == .inputOutput
      let matrix = isTurned ? weight.transposed : weight
      if self == .randomAdd {
        let bound = 1 / Float(matrix.columns).squareRoot()
        return (
          Tensor(uniform: -bound..<bound, shape: [rank, matrix.columns], using: &generator),
          Tensor(zeros: [matrix.shape[0], rank]), weight.copied()
        )
      }
      let factors: SingularValueDecomposition
      do throws(LinearAlgebraError) { factors = try matrix.svd() } catch {
        throw .notAdaptable(module: path, reason: "\(error)")
      }
      let last = factors.values.count - rank
      let start = Int.random(in: 0...last, using: &generator)
      let window = start..<start + rank
      let a = factors.vt.leading(window).copied()
      let b =
        factors.u.columns(window).contiguous
        * factors.values.columns(window).contiguous.reshaped([1, rank])
      if self == .svdAdd { return (a, b, weight.copied()) }
      let part = b.matrixProduct(a)
      return (a, b, weight - (isTurned ? part.transposed : part))
    }
  }
}
