extension Tensor {
  /// Images cut into square patches, each a row: `[B, C, height, width]` gives `[B, patches, C * size * size]`.
  ///
  /// Patches run row by row, the elements of one by channel, row, column: the order of a convolution's weight, so that
  /// a patch embedding is this followed by `linear`. Saves nothing; a copy.
  ///
  /// - Parameter size: the side of a patch; divides height and width.
  /// - Returns: `[B, patches, C * size * size]`.
  public func patches(_ size: Int) -> Tensor {
    precondition(
      shape.count == 4 && size > 0 && shape[2] % size == 0 && shape[3] % size == 0,
      "patches: shape \(shape), size \(size)")
    let (batch, channels, down, across) = (shape[0], shape[1], shape[2] / size, shape[3] / size)
    return reshaped([batch, channels, down, size, across, size])
      .permuted([0, 2, 4, 1, 3, 5])
      .reshaped([batch, down * across, channels * size * size])
  }
}
