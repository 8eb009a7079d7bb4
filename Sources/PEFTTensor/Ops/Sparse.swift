extension Tensor {
  /// This output `[..., M]` of a linear map plus `scale * x S^T`, for a sparse S whose values may be trained.
  ///
  /// Saves x and the values. 2 `count` flops a row, and again for each gradient; that of the values is computed at the places
  /// of the pattern only. A copy. Results are the same bits for every number of threads.
  ///
  /// - Parameters:
  ///   - pattern: the places of S, `[M, N]`.
  ///   - values: its elements, `[count]`.
  ///   - input: x, `[..., N]`.
  ///   - scale: multiplies the product.
  /// - Returns: `[..., M]`.
  public func adding(
    _ pattern: SparsePattern, values: Tensor, of input: Tensor, scale: Float = 1
  ) -> Tensor {
    precondition(
      columns == pattern.rows && input.columns == pattern.columns && rows == input.rows
        && values.shape == [pattern.count],
      "adding: output \(shape), input \(input.shape), values \(values.shape) for \(pattern.count) "
        + "places of [\(pattern.rows), \(pattern.columns)]")
    let (x, saved) = (input.detached.contiguous.matrix, values.detached)
    let result = detached.copied()
    Kernels.addSparseProduct(
      x, offsets: pattern.offsets, indices: pattern.columnIndices, values: saved, scale: scale,
      into: result.matrix)
    return result.recorded(from: [self, input, values]) { gradient, inputs in
      let dy = gradient.contiguous.matrix
      inputs[1]?.accumulateFromZero { dx in
        Kernels.addSparseProduct(
          dy, offsets: pattern.columnOffsets, indices: pattern.rowsByColumn,
          values: Kernels.gather(saved, pattern.order), scale: scale, into: dx.matrix)
      }
      inputs[2]?.accumulateFromZero {
        Kernels.addSparseGradient(dy, x, pattern, scale: scale, into: $0)
      }
      inputs[0]?.accumulate(gradient)
    }
  }

  /// This output `[..., M]` of a linear map, which hands the gradient that a dense weight would have to `receive` in the
  /// backward pass.
  ///
  /// It does so whether or not anything else needs a gradient. Saves x; 2 M N flops a row in the backward pass. A view.
  ///
  /// - Parameters:
  ///   - input: x, `[..., N]`.
  ///   - receive: gets `dy^T x`, `[M, N]`, once for each backward pass; it may keep it.
  /// - Returns: the same elements.
  package func observingWeightGradient(
    of input: Tensor, _ receive: @escaping (Tensor) -> Void
  ) -> Tensor {
    precondition(
      rows == input.rows, "observingWeightGradient: output \(shape), input \(input.shape)")
    let x = input.detached.contiguous.matrix
    // Something trainable keeps the output in the graph where nothing below needs a gradient.
    let anchor = Parameter(Tensor(zeros: []))
    return detached.recorded(from: [self, anchor.tensor]) { gradient, inputs in
      let dy = gradient.contiguous.matrix
      let dw = Tensor(uninitialized: [dy.columns, x.columns])
      Kernels.multiply(.init(dy), .transposed, .init(x), to: .init(dw))
      receive(dw)
      inputs[0]?.accumulate(gradient)
    }
  }
}
