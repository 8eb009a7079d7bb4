extension Tensor {
  /// Attention to keys and values in blocks; the numbers are those of `attention` over the same tokens, bit for bit.
  ///
  /// Codes are brought into numbers block by block for up to four queries a row, and head by head for more: never all of them.
  /// Nothing is recorded.
  ///
  /// - Parameters:
  ///   - rows: the keys and values of each row of the batch; `self` is the queries `[B, T, H * K]`.
  ///   - size: of their blocks.
  ///   - spans: which keys every query sees, counted from the first token of its row; those that the row does not hold are left
  ///     out.
  ///   - scale: multiplies the scores.
  /// - Returns: `[B, T, H * K]`.
  package func attention(
    over rows: [KeyValueRow], _ size: KeyValueBlock.Size, spans: AttentionSpans, scale: Float
  ) -> Tensor {
    precondition(
      shape.count == 3 && shape[0] == rows.count && spans.batch == shape[0]
        && spans.queries == shape[1] && columns % max(1, size.heads * size.width) == 0,
      "attention: queries \(shape), \(rows.count) rows of blocks of \(size)")
    let result = Tensor(uninitialized: shape)
    Kernels.CachedAttention(
      queries: self, rows: rows, size: size, spans: spans, scale: scale
    ).forward(to: result)
    return result
  }
}
