extension Tensor {
  /// The same elements with other axes.
  ///
  /// A view without a copy where the rows follow each other, or where the last axis stays.
  ///
  /// - Parameter shape: sizes that multiply to `count`.
  /// - Returns: a view, or a copy where a view cannot have these axes.
  public func reshaped(_ shape: [Int]) -> Tensor {
    precondition(
      shape.reduce(1, *) == count, "reshaped: shape \(self.shape) cannot become \(shape)")
    if isContiguous || shape.last == self.shape.last {
      var view = Tensor(
        storage: storage, offset: offset, shape: shape,
        rowStride: isContiguous ? nil : rowStride)
      view.node = node
      return view
    }
    return contiguous.reshaped(shape)
  }

  /// The same elements without gaps between rows; a copy only where there are some.
  public var contiguous: Tensor {
    if isContiguous {
      guard rowStride != columns else { return self }
      var view = Tensor(storage: storage, offset: offset, shape: shape)
      view.node = node
      return view
    }
    return copied().recorded(from: [self]) { gradient, inputs in
      inputs[0]?.accumulate(gradient)
    }
  }

  /// As a matrix: all axes but the last flattened into rows.
  public var matrix: Tensor { reshaped([rows, columns]) }
}
