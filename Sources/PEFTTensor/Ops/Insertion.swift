extension Tensor {
  /// The rows of a matrix with the same other rows put in before some of them.
  ///
  /// So every sequence of a batch gets the same beginning. Saves nothing; a copy. The gradient of the other rows is the
  /// sum over the places.
  ///
  /// - Parameters:
  ///   - rows: `[P, C]`; `self` is `[N, C]`.
  ///   - places: the rows, by number, before which they are put, in ascending order; N is the end.
  /// - Returns: `[N + P * places.count, C]`.
  public func inserting(_ rows: Tensor, before places: [Int]) -> Tensor {
    precondition(
      shape.count == 2 && rows.shape.count == 2 && columns == rows.columns,
      "inserting: rows of shape \(rows.shape) into shape \(shape)")
    precondition(
      zip(places, places.dropFirst()).allSatisfy { $0 <= $1 } && places.first ?? 0 >= 0
        && places.last ?? 0 <= shape[0],
      "inserting: places \(places) among \(shape[0]) rows")
    let (count, size) = (rows.shape[0], shape[0])
    // Own rows between the places, and where they lie in the result.
    let bounds = [0] + places + [size]
    let own = bounds.indices.dropLast().map { index in
      (from: bounds[index]..<bounds[index + 1], to: bounds[index] + index * count)
    }
    let others = places.indices.map { places[$0] + $0 * count }
    let result = Tensor(uninitialized: [size + count * places.count, columns])
    for part in own where !part.from.isEmpty {
      Kernels.copy(
        detached.leading(part.from), to: result.leading(part.to..<part.to + part.from.count))
    }
    for start in others {
      Kernels.copy(rows.detached, to: result.leading(start..<start + count))
    }
    return result.recorded(from: [self, rows]) { gradient, inputs in
      let gradient = gradient.contiguous.matrix
      // What they are views of may have other axes.
      inputs[0]?.accumulate { whole, beta in
        let whole = whole.matrix
        for part in own where !part.from.isEmpty {
          let source = gradient.leading(part.to..<part.to + part.from.count)
          let target = whole.leading(part.from)
          if beta == 0 {
            Kernels.copy(source, to: target)
          } else {
            Kernels.add(source, into: target)
          }
        }
      }
      inputs[1]?.accumulateFromZero { whole in
        let whole = whole.matrix
        for start in others { Kernels.add(gradient.leading(start..<start + count), into: whole) }
      }
    }
  }
}
