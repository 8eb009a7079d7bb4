import PEFTJSON
import PEFTTensor

/// Rows for tokens that a checkpoint does not have, after those of the table and of a head of its own.
///
/// They start near the mean of the rows that there are, as in Transformers: tokens that are far from all others would take most of the
/// probability.
struct AddedTokens {
  let count: Int
  let seed: UInt64

  /// A table with the rows of the added tokens.
  func extended(_ table: Tensor) -> Tensor {
    let mean = table.mean(axis: 0)
    let deviation = ((table - mean) * (table - mean)).mean(axis: 0)
    var generator = Generator(seed: seed)
    let noise = Tensor(normal: 1, shape: [count, table.columns], using: &generator)
    let (centre, spread, draws) = (mean.array, deviation.array, noise.array)
    // A billionth of the variance: enough to tell them apart.
    let rows = draws.enumerated().map { place, draw in
      let column = place % table.columns
      return centre[column] + draw * (1e-9 * spread[column]).squareRoot()
    }
    return .concatenated([table, Tensor(rows, shape: noise.shape)], axis: 0)
  }
}

extension ModelOrigin {
  /// The same with another size of the vocabulary.
  func with(vocabularySize: Int) -> ModelOrigin {
    let kept = (json.members ?? []).filter { $0.name != "vocab_size" }
    return ModelOrigin(
      folder: folder, json: .object(kept + [.init("vocab_size", .integer(vocabularySize))]))
  }
}
