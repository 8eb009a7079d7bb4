extension Kernels {
  /// Copies a contiguous tensor with its axes in another order.
  static func permute(_ source: Tensor, _ axes: [Int], to target: Tensor) {
    guard source.count > 0 else { return }
    guard !axes.isEmpty else { return copy(source, to: target) }
    var strides = [Int](repeating: 1, count: source.shape.count)
    for axis in strides.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * source.shape[axis + 1]
    }
    let step = strides[axes[axes.count - 1]]
    let outer = axes.dropLast().map { (size: source.shape[$0], stride: strides[$0]) }
    let columns = target.columns
    Parallel.run(target.rows, grain: max(1, grain / columns)) { _, rows in
      for row in rows {
        var (rest, start) = (row, 0)
        for axis in outer.reversed() {
          start += rest % axis.size * axis.stride
          rest /= axis.size
        }
        let from = source.address + start
        let to = target.address + row * columns
        for column in 0..<columns { to[column] = from[column * step] }
      }
    }
  }

  /// Rows of a matrix by number: target[i] = table[rows[i]].
  static func gather(_ table: Tensor, _ rows: [Int32], to target: Tensor) {
    let columns = table.columns
    Parallel.run(rows.count, grain: max(1, grain / max(1, columns))) { _, range in
      for index in range {
        (target.address + index * target.rowStride).update(
          from: table.address + Int(rows[index]) * table.rowStride, count: columns)
      }
    }
  }

  /// table[rows[i]] += source[i], in the order of i.
  static func scatterAdd(_ source: Tensor, _ rows: [Int32], into table: Tensor) {
    for (index, row) in rows.enumerated() {
      add(source.leading(index..<index + 1), into: table.leading(Int(row)..<Int(row) + 1))
    }
  }
}
