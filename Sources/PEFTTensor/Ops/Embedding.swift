extension Tensor {
  /// Rows of this table by number: `[V, D]` and ids `[...]` give `[..., D]`.
  ///
  /// Saves the ids. Backward adds rows in the order of the ids.
  ///
  /// - Parameter ids: every one in `0..<V`.
  /// - Returns: `[..., D]`.
  public func rows(at ids: Indices) -> Tensor {
    precondition(shape.count == 2, "rows(at:): a table has two axes, not shape \(shape)")
    let size = shape[0]
    precondition(
      ids.values.allSatisfy { $0 >= 0 && Int($0) < size },
      "rows(at:): an id is outside 0..<\(size)")
    let result = Tensor(uninitialized: ids.shape + [columns])
    Kernels.gather(self, ids.values, to: result)
    return result.recorded(from: [self]) { gradient, inputs in
      let rows = gradient.contiguous.matrix
      // The table may be a view of a tensor with other axes.
      inputs[0]?.accumulateFromZero {
        Kernels.scatterAdd(rows, ids.values, into: $0.reshaped([size, rows.columns]))
      }
    }
  }
}
