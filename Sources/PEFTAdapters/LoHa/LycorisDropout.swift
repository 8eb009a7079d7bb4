import PEFTTensor
import PEFTTransformer

/// The two kinds of dropout of LoHa and LoKr: of the whole branch, and of rows of its matrix.
struct LycorisDropout {
  /// The probability of a row to be dropped, in `0..<1`.
  let row: Float
  /// The probability of the branch to be dropped, in `0..<1`.
  let branch: Float
  /// Whether the rows that are left are divided by their share.
  let rescalesRows: Bool

  /// What becomes of a branch in this pass: whether it is dropped, and the factors `[M]` of the rows, nil for ones.
  func draw(outputs: Int, _ context: ForwardContext) -> (drops: Bool, rows: Tensor?) {
    guard let keys = context.dropout else { return (false, nil) }
    if branch > 0 {
      var generator = Generator(seed: keys.next())
      if Float(generator.uniform()) < branch { return (true, nil) }
    }
    guard row > 0 else { return (false, nil) }
    var generator = Generator(seed: keys.next())
    let kept = (0..<outputs).map { _ in Float(generator.uniform()) >= row }
    let share = Float(kept.count { $0 }) / Float(outputs)
    let factor = rescalesRows && share > 0 ? 1 / share : 1
    return (false, Tensor(kept.map { $0 ? factor : 0 }))
  }
}

extension Tensor {
  /// A matrix as PyTorch starts that of a linear layer: uniform in `+-1 / sqrt(columns)`.
  init(linearStart shape: [Int], using generator: inout Generator) {
    let bound = 1 / Float(shape[1]).squareRoot()
    self.init(uniform: -bound..<bound, shape: shape, using: &generator)
  }
}
