extension Tensor {
  /// Images cut into patches, each a row: `[B, C, height, width]` gives `[B, patches, C * rows * columns]`.
  ///
  /// Patches run row by row, the elements of one by channel, row, column: the order of a convolution's weight, so that
  /// a patch embedding is this followed by `linear`. Saves nothing; a copy.
  ///
  /// - Parameters:
  ///   - rows: how high a patch is; divides the height.
  ///   - columns: how wide it is, which divides the width; nil for a square.
  /// - Returns: `[B, patches, C * rows * columns]`.
  public func patches(_ rows: Int, _ columns: Int? = nil) -> Tensor {
    let columns = columns ?? rows
    precondition(
      shape.count == 4 && rows > 0 && columns > 0 && shape[2] % rows == 0
        && shape[3] % columns == 0,
      "patches: shape \(shape), patches of \(rows) x \(columns)")
    let (batch, channels) = (shape[0], shape[1])
    let (down, across) = (shape[2] / rows, shape[3] / columns)
    return reshaped([batch, channels, down, rows, across, columns])
      .permuted([0, 2, 4, 1, 3, 5])
      .reshaped([batch, down * across, channels * rows * columns])
  }
}
