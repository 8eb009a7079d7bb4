public import PEFTTensor
public import PEFTTransformer

/// DyLoRA beside one linear layer.
public final class DyLoRALayer: LinearAdapterLayer {
  /// The rows of A, `[1, N]` each.
  public let a: [Parameter]
  /// The columns of B, `[M, 1]` each.
  public let b: [Parameter]
  /// The ranks in use, which all layers share.
  var choice: RankChoice
  private let method: DyLoRA

  init(a: [Parameter], b: [Parameter], _ method: DyLoRA) {
    (self.a, self.b, self.method) = (a, b, method)
    choice = RankChoice(training: method.rank, evaluation: method.rank)
  }

  /// Yes.
  public var isAdditive: Bool { true }

  /// The branch of the rank in use; in training with `.frozen` updates two, of which the first is not trained.
  public func branches(_ context: ForwardContext) -> [LowRankBranch] {
    let isTraining = Gradients.areWanted
    let rank = isTraining ? choice.training : choice.evaluation
    let isDropping = method.dropout > 0 && context.dropout != nil
    let key = isDropping ? context.dropout?.next() ?? 0 : 0
    func branch(_ range: Range<Int>, isTrained: Bool) -> LowRankBranch {
      func parts(_ parameters: [Parameter], axis: Int) -> Tensor {
        .concatenated(parameters[range].map { isTrained ? $0.tensor : $0.value }, axis: axis)
      }
      return LowRankBranch(
        a: parts(a, axis: 0), b: parts(b, axis: 1), scale: method.scale(rank: rank),
        dropout: isDropping ? method.dropout : 0, dropoutKey: key)
    }
    guard isTraining, method.update == .frozen, rank > 1 else {
      return [branch(0..<rank, isTrained: true)]
    }
    return [branch(0..<rank - 1, isTrained: false), branch(rank - 1..<rank, isTrained: true)]
  }

  /// `W + s_b B[:, :b] A[:b, :]` at the rank of evaluation.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    let (a, b) = factors(rank: choice.evaluation)
    var result = map
    result.weight = map.weight + b.matrixProduct(a) * method.scale(rank: choice.evaluation)
    return result
  }

  /// A `[b, N]` and B `[M, b]` of the first b components.
  func factors(rank: Int) -> (a: Tensor, b: Tensor) {
    (
      .concatenated(a[..<rank].map(\.value), axis: 0),
      .concatenated(b[..<rank].map(\.value), axis: 1)
    )
  }
}

/// The ranks that the layers of a DyLoRA adapter use.
final class RankChoice {
  var training: Int
  var evaluation: Int

  init(training: Int, evaluation: Int) {
    (self.training, self.evaluation) = (training, evaluation)
  }
}
