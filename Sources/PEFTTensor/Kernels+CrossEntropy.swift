internal import CPEFTKernels

extension Kernels {
  /// The sum of the losses of all rows that count, in the order of the rows, in double precision.
  static func crossEntropy(
    _ x: Tensor, _ labels: [Int32], ignoring: Int32, smoothing: Float, gradientScale: Float,
    gradient: Tensor?
  ) -> Double {
    let columns = x.columns
    let losses = Tensor(uninitialized: [labels.count])
    Parallel.run(labels.count, grain: max(1, grain / 4 / max(1, columns))) { _, rows in
      for row in rows {
        let target = gradient.map { $0.address + row * columns }
        if labels[row] == ignoring {
          losses.address[row] = 0
          target?.update(repeating: 0, count: columns)
        } else {
          losses.address[row] = peft_cross_entropy_row(
            x.address + row * columns, columns, Int(labels[row]), smoothing, gradientScale, target)
        }
      }
    }
    return losses.array.reduce(0) { $0 + Double($1) }
  }

  static func labelLogProbabilities(
    _ x: Tensor, _ labels: [Int32], ignoring: Int32
  ) -> [Float] {
    let columns = x.columns
    let result = Tensor(zeros: [labels.count])
    Parallel.run(labels.count, grain: max(1, grain / 4 / max(1, columns))) { _, rows in
      for row in rows where labels[row] != ignoring {
        result.address[row] = -peft_cross_entropy_row(
          x.address + row * columns, columns, Int(labels[row]), 0, 0, nil)
      }
    }
    return result.array
  }
}
