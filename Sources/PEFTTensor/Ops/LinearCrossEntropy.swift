extension Tensor {
  /// The mean cross-entropy of an output head, without the logits of all rows at once: a scalar.
  ///
  /// Equal to `linear(weight:).crossEntropy(labels)` up to rounding. Rows are taken in chunks: the logits of a chunk are made, turned
  /// into their gradient in place, and multiplied back, so that no more than one chunk of `[rows, V]` exists. Saves the
  /// gradient of the input (`[N, D]`), and that of the weight where it is trained. 2 N D V flops, three times that with both gradients.
  ///
  /// - Parameters:
  ///   - weight: V outputs, D inputs.
  ///   - labels: one for each row, in `0..<V` or `ignoring`.
  ///   - ignoring: the label of rows that do not count.
  ///   - smoothing: how much of the target is spread evenly over all classes.
  /// - Returns: a scalar; NaN where no row counts.
  public func linearCrossEntropy(
    weight: WeightOperand, _ labels: Indices, ignoring: Int32 = -100, smoothing: Float = 0
  ) -> Tensor {
    let classes = weight.outputs
    precondition(
      weight.inputs == columns && labels.count == rows,
      "linearCrossEntropy: input \(shape), weight [\(classes), \(weight.inputs)], \(labels.count) labels"
    )
    precondition(
      labels.values.allSatisfy { $0 == ignoring || $0 >= 0 && Int($0) < classes },
      "linearCrossEntropy: a label is outside 0..<\(classes)")
    let counted = labels.values.lazy.filter { $0 != ignoring }.count
    let x = matrix
    let isRecorded = Tensor.records(self, weight.tensor)
    let dx = isRecorded && x.needsGradient ? Tensor(uninitialized: x.shape) : nil
    let dWeight =
      isRecorded ? weight.tensor.flatMap { $0.needsGradient ? Tensor(zeros: $0.shape) : nil } : nil
    var total = 0.0
    for range in Self.chunks(rows: x.rows, classes: classes) {
      let part = x.detached.leading(range)
      let logits = Tensor(uninitialized: [range.count, classes])
      weight.multiply(part, to: logits)
      total += Kernels.crossEntropy(
        logits, Array(labels.values[range]), ignoring: ignoring, smoothing: smoothing,
        gradientScale: 1 / Float(counted), gradient: isRecorded ? logits : nil)
      if let dx {
        weight.multiplyTransposed(logits, to: dx.leading(range))
      }
      if let dWeight {
        weight.multiplyGradient(logits, part, to: dWeight, beta: 1)
      }
    }
    return Tensor(Float(total / Double(counted))).recorded(from: [x, weight.tensor]) {
      gradient, inputs in
      let scale = gradient.item
      for (input, saved) in zip(inputs, [dx, dWeight]) {
        guard let input, let saved else { continue }
        if scale != 1 { Kernels.affine(saved, scale: scale, shift: 0, to: saved) }
        input.accumulate(saved)
      }
    }
  }

  /// The logarithm of the probability that an output head gives to the label of every row; 0 where ignored.
  ///
  /// Not recorded, and in chunks as `linearCrossEntropy`.
  ///
  /// - Parameters:
  ///   - weight: V outputs, D inputs.
  ///   - labels: one for each row.
  ///   - ignoring: the label of rows that do not count.
  /// - Returns: one number a row, in nats.
  public func linearLabelLogProbabilities(
    weight: WeightOperand, _ labels: Indices, ignoring: Int32 = -100
  ) -> [Float] {
    let x = matrix.detached
    return Self.chunks(rows: x.rows, classes: weight.outputs).flatMap { range in
      let logits = Tensor(uninitialized: [range.count, weight.outputs])
      weight.multiply(x.leading(range), to: logits)
      return Kernels.labelLogProbabilities(
        logits, Array(labels.values[range]), ignoring: ignoring)
    }
  }

  /// Ranges of rows whose logits take about 25 MB.
  private static func chunks(rows: Int, classes: Int) -> [Range<Int>] {
    let size = max(32, 6_400_000 / max(1, classes))
    return stride(from: 0, to: rows, by: size).map { $0..<Swift.min($0 + size, rows) }
  }
}
