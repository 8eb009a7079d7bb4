extension Tensor {
  /// Writes `part` `[B, N, D]` over the entries from `start` of axis 1 of this tensor `[B, C, D]`.
  ///
  /// For memory that its owner fills bit by bit, as a cache; no tensor of the graph may share it.
  package func overwrite(with part: Tensor, at start: Int) {
    precondition(
      shape.count == 3 && part.shape.count == 3 && part.shape[0] == shape[0]
        && part.shape[2] == shape[2] && start + part.shape[1] <= shape[1],
      "overwrite: shape \(part.shape) at \(start) of \(shape)")
    for row in 0..<shape[0] {
      Kernels.copy(part.entry(row), to: entry(row).leading(start..<start + part.shape[1]))
    }
  }

  /// Writes elements in row-major order over all of a contiguous tensor that its owner shares with nobody.
  package func overwrite(with values: [Float]) {
    precondition(
      values.count == count && (rows <= 1 || rowStride == columns),
      "overwrite: \(values.count) elements over the shape \(shape)")
    address.update(from: values, count: count)
  }

  /// Writes the elements of `part` over those from `start` of the row-major order of this tensor.
  ///
  /// For memory that its owner fills bit by bit; no tensor of the graph may share it.
  package func overwrite(from start: Int, with part: Tensor) {
    precondition(
      start + part.count <= count, "overwrite: \(part.count) elements at \(start) of \(shape)")
    Kernels.copy(
      part.reshaped([part.count]),
      to: Tensor(storage: storage, offset: offset + start, shape: [part.count]))
  }
}
