import PEFTTensor

/// The directions in which rows vary most, from batches of rows, one after the other.
///
/// Incremental principal components ("Incremental Learning for Robust Visual Tracking", Ross et al. 2008) as scikit-learn and PEFT's EVA
/// have them: the mean is taken out, and each batch is joined to the components so far, times their singular values.
struct IncrementalSVD {
  /// How many components are kept.
  let count: Int
  /// The components, `[count, N]`; nil before the first batch.
  private(set) var components: Tensor?
  /// Their singular values.
  private var values: [Float] = []
  private var mean: [Double] = []
  /// The sum of squared distances from the mean, of every column.
  private var spread: [Double] = []
  private var seen = 0.0

  init(count: Int) { self.count = count }

  /// The share of each component in the whole variance.
  var explained: [Double] {
    let whole = spread.reduce(0, +)
    return values.map { whole > 0 ? Double($0) * Double($0) / whole : 0 }
  }

  /// Takes a batch `[rows, N]` in; one of fewer rows than components is passed over, as in PEFT.
  ///
  /// - Returns: how near each component is to the one before, by the cosine of their angle; nil after the first batch.
  mutating func add(_ rows: Tensor) throws(LinearAlgebraError) -> [Double]? {
    guard rows.rows >= count, rows.columns >= count else { return nil }
    let new = Double(rows.rows)
    let total = seen + new
    let (batchMean, batchSpread) = Self.moments(rows)
    var centered = rows - Tensor(batchMean.map(Float.init))
    if let components {
      let weight = (seen / total * new).squareRoot()
      let shift = zip(mean, batchMean).map { Float(weight * ($0 - $1)) }
      let before = components * Tensor(values, shape: [values.count, 1])
      centered = .concatenated(
        [before, centered, Tensor(shift, shape: [1, shift.count])], axis: 0)
    } else {
      mean = batchMean
      spread = batchMean.map { _ in 0 }
    }
    for column in mean.indices {
      let distance = batchMean[column] - mean[column]
      spread[column] += batchSpread[column] + distance * distance * seen * new / total
      mean[column] += distance * new / total
    }
    seen = total
    let svd = try centered.svd()
    let before = components
    let next = svd.vt.prefixAxis(0..<count).copied()
    components = next
    values = Array(svd.values.array.prefix(count))
    return before.map { before in
      (before * next).sum(axis: 1).array.map { Double(abs($0)) }
    }
  }

  private static func moments(_ rows: Tensor) -> (mean: [Double], spread: [Double]) {
    let mean = rows.mean(axis: 0)
    let centered = rows - mean
    return (
      mean.array.map(Double.init), (centered * centered).sum(axis: 0).array.map(Double.init)
    )
  }
}
