internal import CPEFTKernels

/// Products with a sparse matrix; rows of tokens are turned block by block, so that its elements multiply neighbours.
extension Kernels {
  /// Tokens that are turned together: a block of the input stays in the second cache.
  private static let sparseBlock = 64

  /// target += scale * source S^T, for S with these rows; each element is one sum in the order of S.
  ///
  /// - Parameters:
  ///   - source: `[T, columns of S]`, contiguous.
  ///   - offsets: where each row of S begins.
  ///   - indices: the column of each element.
  ///   - values: the elements.
  ///   - scale: multiplies every sum.
  ///   - target: `[T, rows of S]`.
  static func addSparseProduct(
    _ source: Tensor, offsets: [Int32], indices: [Int32], values: Tensor, scale: Float,
    into target: Tensor
  ) {
    let (tokens, outputs) = (source.rows, target.columns)
    guard tokens > 0, !indices.isEmpty else { return }
    // Few tokens are shared by the threads; the sums do not depend on it.
    let share = (tokens + Parallel.threads - 1) / Parallel.threads
    let block = min(sparseBlock, (share + 15) / 16 * 16)
    offsets.withUnsafeBufferPointer { offsets in
      indices.withUnsafeBufferPointer { indices in
        guard let offsets = offsets.baseAddress, let indices = indices.baseAddress else { return }
        Parallel.run((tokens + block - 1) / block) { _, blocks in
          for index in blocks {
            let range = index * block..<min(tokens, (index + 1) * block)
            let turned = transposed(source.leading(range))
            let result = Tensor(uninitialized: [outputs, range.count])
            withExtendedLifetime((turned, result)) {
              peft_sparse_product(
                offsets, indices, values.address, scale, outputs, turned.address, result.address,
                range.count)
              peft_transpose(
                result.address, range.count, outputs, range.count, 1, 1,
                target.address + range.lowerBound * target.rowStride, target.rowStride)
            }
          }
        }
      }
    }
  }

  /// gradient[k] += scale * sum over tokens of dy[t, row of k] * x[t, column of k].
  ///
  /// - Parameters:
  ///   - dy: `[T, M]`, contiguous.
  ///   - x: `[T, N]`, contiguous.
  ///   - pattern: the places.
  ///   - scale: multiplies every sum.
  ///   - gradient: `[count]`.
  static func addSparseGradient(
    _ dy: Tensor, _ x: Tensor, _ pattern: SparsePattern, scale: Float, into gradient: Tensor
  ) {
    let tokens = x.rows
    guard tokens > 0, pattern.count > 0 else { return }
    let blocks = stride(from: 0, to: tokens, by: sparseBlock).map {
      $0..<min(tokens, $0 + sparseBlock)
    }
    let turned = blocks.map { (transposed(x.leading($0)), transposed(dy.leading($0))) }
    pattern.offsets.withUnsafeBufferPointer { offsets in
      pattern.columnIndices.withUnsafeBufferPointer { indices in
        guard let offsets = offsets.baseAddress, let indices = indices.baseAddress else { return }
        Parallel.run(pattern.rows, grain: 16) { _, rows in
          for (x, dy) in turned {
            peft_sparse_gradient(
              offsets + rows.lowerBound, indices, scale, rows.count, x.address,
              dy.address + rows.lowerBound * dy.columns, dy.columns, gradient.address)
          }
        }
      }
    }
  }

  private static func transposed(_ matrix: Tensor) -> Tensor {
    let result = Tensor(uninitialized: [matrix.columns, matrix.rows])
    peft_transpose(
      matrix.address, matrix.rowStride, matrix.rows, matrix.columns, 1, 0, result.address,
      matrix.rows)
    return result
  }

  /// The values in another order.
  static func gather(_ values: Tensor, _ order: [Int32]) -> Tensor {
    let result = Tensor(uninitialized: [order.count])
    for (place, element) in order.enumerated() {
      result.address[place] = values.address[Int(element)]
    }
    return result
  }
}
