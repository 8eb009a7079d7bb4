/// Parts of the rows of a matrix, joined or spread again.
extension Tensor {
  /// The rows of some ranges one after the other: a copy, not recorded.
  func gatheredRows(_ ranges: [Range<Int>]) -> Tensor {
    let result = Tensor(uninitialized: [ranges.reduce(0) { $0 + $1.count }, columns])
    let source = detached.matrix
    var start = 0
    for range in ranges where !range.isEmpty {
      Kernels.copy(source.leading(range), to: result.leading(start..<start + range.count))
      start += range.count
    }
    return result
  }

  /// Adds rows that `gatheredRows` joined to where they came from, in place.
  func scatterRows(_ ranges: [Range<Int>], into target: Tensor) {
    var start = 0
    for range in ranges where !range.isEmpty {
      Kernels.add(leading(start..<start + range.count), into: target.leading(range))
      start += range.count
    }
  }
}
