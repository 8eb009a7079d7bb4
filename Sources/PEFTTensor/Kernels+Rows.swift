internal import CPEFTKernels

extension Kernels {
  private static func rowGrain(_ columns: Int) -> Int { max(1, grain / 2 / max(1, columns)) }

  static func softmax(_ x: Tensor, to y: Tensor) {
    let columns = x.columns
    Parallel.run(x.rows, grain: rowGrain(columns)) { _, rows in
      let start = rows.lowerBound * columns
      peft_softmax(x.address + start, y.address + start, rows.count, columns)
    }
  }

  static func softmaxBackward(_ y: Tensor, _ gradient: Tensor, to dx: Tensor) {
    let columns = y.columns
    Parallel.run(y.rows, grain: rowGrain(columns)) { _, rows in
      let start = rows.lowerBound * columns
      peft_softmax_backward(
        y.address + start, gradient.address + start, dx.address + start, rows.count, columns)
    }
  }

  static func layerNorm(
    _ x: Tensor, weight: Tensor, bias: Tensor?, epsilon: Float, to y: Tensor, mean: Tensor,
    inverseDeviation: Tensor
  ) {
    let columns = x.columns
    Parallel.run(x.rows, grain: rowGrain(columns)) { _, rows in
      let start = rows.lowerBound * columns
      peft_layer_norm(
        x.address + start, weight.address, bias?.address, epsilon, rows.count, columns,
        y.address + start, mean.address + rows.lowerBound,
        inverseDeviation.address + rows.lowerBound)
    }
  }

  static func rmsNorm(
    _ x: Tensor, weight: Tensor, epsilon: Float, to y: Tensor, inverse: Tensor
  ) {
    let columns = x.columns
    Parallel.run(x.rows, grain: rowGrain(columns)) { _, rows in
      let start = rows.lowerBound * columns
      peft_rms_norm(
        x.address + start, weight.address, epsilon, rows.count, columns, y.address + start,
        inverse.address + rows.lowerBound)
    }
  }

  /// Backward of both norms: of layer norm where there is a mean.
  ///
  /// Each part sums the gradients of weight and bias over its rows; the parts are then added in
  /// order.
  static func normBackward(
    _ x: Tensor, weight: Tensor, mean: Tensor?, inverseDeviation: Tensor, gradient: Tensor,
    to dx: Tensor?, needsWeight: Bool, needsBias: Bool
  ) -> (weight: Tensor?, bias: Tensor?) {
    let columns = x.columns
    let parts = Parallel.partCount(x.rows, grain: rowGrain(columns))
    let dWeight = needsWeight ? Tensor(zeros: [parts, columns]) : nil
    let dBias = needsBias ? Tensor(zeros: [parts, columns]) : nil
    Parallel.run(x.rows, grain: rowGrain(columns)) { part, rows in
      let start = rows.lowerBound * columns
      let weightSum = dWeight.map { $0.address + part * columns }
      let target = dx.map { $0.address + start }
      if let mean {
        peft_layer_norm_backward(
          x.address + start, weight.address, mean.address + rows.lowerBound,
          inverseDeviation.address + rows.lowerBound, gradient.address + start, rows.count,
          columns, target, weightSum, dBias.map { $0.address + part * columns })
      } else {
        peft_rms_norm_backward(
          x.address + start, weight.address, inverseDeviation.address + rows.lowerBound,
          gradient.address + start, rows.count, columns, target, weightSum)
      }
    }
    return (dWeight.map(sumOfRows), dBias.map(sumOfRows))
  }

  private static func sumOfRows(_ parts: Tensor) -> Tensor {
    let sum = parts.entry(0).copied()
    for part in 1..<max(1, parts.shape[0]) { add(parts.entry(part), into: sum) }
    return sum
  }

  /// Adds a vector to every row; the rows may have a stride.
  static func addRow(_ vector: Tensor, to y: Tensor) {
    Parallel.run(y.rows, grain: rowGrain(y.columns)) { _, rows in
      peft_add_row(
        y.address + rows.lowerBound * y.rowStride, rows.count, y.columns, y.rowStride,
        vector.address)
    }
  }

  /// y = x * factor in every column, plus shift; all contiguous, y may be x.
  static func scaleColumns(_ x: Tensor, by factor: Tensor, plus shift: Tensor?, to y: Tensor) {
    let columns = x.columns
    Parallel.run(x.rows, grain: rowGrain(columns)) { _, rows in
      for row in rows {
        let start = row * columns
        peft_multiply(x.address + start, factor.address, y.address + start, columns)
      }
      if let shift {
        let start = y.address + rows.lowerBound * columns
        peft_add_row(start, rows.count, columns, columns, shift.address)
      }
    }
  }

  /// The sum of `a * b` over the rows of both, for every column.
  ///
  /// Each part sums over its rows; the parts are then added in order.
  static func columnProducts(_ a: Tensor, _ b: Tensor) -> Tensor {
    let columns = a.columns
    let parts = Parallel.partCount(a.rows, grain: rowGrain(columns))
    let sums = Tensor(zeros: [max(1, parts), columns])
    let products = Tensor(uninitialized: [max(1, parts), columns])
    Parallel.run(a.rows, grain: rowGrain(columns)) { part, rows in
      let (sum, product) = (sums.address + part * columns, products.address + part * columns)
      for row in rows {
        peft_multiply(a.address + row * columns, b.address + row * columns, product, columns)
        peft_add_scaled(product, 1, sum, columns)
      }
    }
    return sumOfRows(sums)
  }

  /// Turns the heads of every row by their positions; `direction` -1 turns back.
  static func rotary(
    _ x: Tensor, headWidth: Int, table: RotaryTable, positions: [Int32], direction: Float,
    to y: Tensor
  ) {
    positions.withUnsafeBufferPointer { positions in
      guard let positions = positions.baseAddress else { return }
      Parallel.run(x.rows, grain: rowGrain(x.columns)) { _, rows in
        peft_rotary(
          x.address + rows.lowerBound * x.rowStride, x.rowStride,
          y.address + rows.lowerBound * y.rowStride, y.rowStride, rows.count,
          x.columns / headWidth, headWidth, table.cosine.columns * 2, table.cosine.address,
          table.sine.address, positions + rows.lowerBound, direction)
      }
    }
  }
}
