extension Tensor {
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
