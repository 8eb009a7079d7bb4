import PEFTTensor

extension AdapterCombination {
  /// The combination of matrices of one shape.
  ///
  /// - Parameters:
  ///   - matrices: one of each adapter.
  ///   - weights: their weights.
  ///   - key: chooses the elements that are drawn, beside the seed.
  /// - Returns: a matrix of the same shape.
  func combined(_ matrices: [Tensor], _ weights: [Float], key: String) -> Tensor {
    let pruned = matrices.enumerated().map { prune($1.array, key: "\(key) \($0)") }
    let count = matrices[0].count
    var result = [Float](repeating: 0, count: count)
    switch rule {
    case .linear, .concatenated, .dareLinear, .magnitudePrune:
      for (values, weight) in zip(pruned, weights) {
        for index in 0..<count { result[index] += values[index] * weight }
      }
    case .ties(_, let majority), .dareTies(_, let majority, _):
      for index in 0..<count {
        let sum = pruned.reduce(Float(0)) { sum, values in
          sum + (majority == .total ? values[index] : Self.sign(values[index]))
        }
        let sign: Float = sum >= 0 ? 1 : -1
        var (total, votes): (Float, Float) = (0, 0)
        for (values, weight) in zip(pruned, weights) where Self.sign(values[index]) == sign {
          total += values[index] * weight
          votes += 1
        }
        result[index] = total / max(votes, 1)
      }
    }
    return Tensor(result, shape: matrices[0].shape)
  }

  private static func sign(_ value: Float) -> Float { value > 0 ? 1 : value < 0 ? -1 : 0 }

  /// The elements that the rule keeps, zero elsewhere.
  private func prune(_ values: [Float], key: String) -> [Float] {
    guard let density, density < 1 else { return values }
    switch rule {
    case .linear, .concatenated: return values
    case .ties, .magnitudePrune:
      let kept = Int(density * Double(values.count))
      // Among equals the first ones.
      let order = values.indices.sorted {
        (abs(values[$0]), $1) > (abs(values[$1]), $0)
      }
      var result = [Float](repeating: 0, count: values.count)
      for index in order.prefix(kept) { result[index] = values[index] }
      return result
    case .dareLinear(_, let seed), .dareTies(_, _, let seed):
      var generator = Generator(seed: seed, path: key)
      let factor = Float(density)
      return values.map { generator.uniform() < density ? $0 / factor : 0 }
    }
  }
}
