internal import CPEFTKernels

extension Kernels {
  /// One attention: `queries` [B, T, H * K], `keys` and `values` [B, S, G * K].
  ///
  /// The unit of work for a thread is one group of query heads with their key head of one row.
  struct Attention {
    let queries: Tensor
    let keys: Tensor
    let values: Tensor
    let headWidth: Int
    let spans: AttentionSpans
    let scale: Float
    let dropout: Float
    let dropoutKey: UInt64

    private var batch: Int { queries.shape[0] }
    private var queryCount: Int { queries.shape[1] }
    private var keyCount: Int { keys.shape[1] }
    private var heads: Int { queries.columns / headWidth }
    private var groups: Int { keys.columns / headWidth }
    private static let blockRows = 64

    func forward(to output: Tensor, logSums: Tensor) {
      eachGroup { row, group in
        let scratch = Scratch(columns: keyCount, matrices: 1)
        for head in headRange(group) {
          eachBlock(row) { block in
            let scores = scratch.matrix(0, rows: block.rows.count, columns: block.keys.count)
            let q = part(queries, row, block.rows, head)
            let k = part(keys, row, block.keys, group)
            multiplyAlone(q, .none, k, .transposed, to: scores)
            peft_attention_softmax(
              scores.address, scores.rows, scores.columns, scores.stride, scale, block.low,
              block.high,
              logSums.address + (row * heads + head) * queryCount + block.rows.lowerBound)
            drop(scores, row, head, block)
            multiplyAlone(
              scores, .none, part(values, row, block.keys, group),
              to: part(output, row, block.rows, head))
          }
        }
      }
    }

    func backward(
      _ gradient: Tensor, output: Tensor, logSums: Tensor, toQueries dq: Tensor,
      toKeys dk: Tensor, toValues dv: Tensor
    ) {
      eachGroup { row, group in
        let scratch = Scratch(columns: keyCount, matrices: dropout > 0 ? 3 : 2)
        for head in headRange(group) {
          eachBlock(row) { block in
            let (rows, columns) = (block.rows.count, block.keys.count)
            let p = scratch.matrix(0, rows: rows, columns: columns)
            let dp = scratch.matrix(1, rows: rows, columns: columns)
            let q = part(queries, row, block.rows, head)
            let k = part(keys, row, block.keys, group)
            let dy = part(gradient, row, block.rows, head)
            multiplyAlone(q, .none, k, .transposed, to: p)
            peft_attention_probabilities(
              p.address, rows, columns, p.stride, scale, block.low, block.high,
              logSums.address + (row * heads + head) * queryCount + block.rows.lowerBound)
            var kept = p
            if dropout > 0 {
              kept = scratch.matrix(2, rows: rows, columns: columns)
              kept.address.update(from: p.address, count: rows * columns)
              drop(kept, row, head, block)
            }
            multiplyAlone(
              kept, .transposed, dy, beta: 1, to: part(dv, row, block.keys, group))
            multiplyAlone(dy, .none, part(values, row, block.keys, group), .transposed, to: dp)
            drop(dp, row, head, block)
            let y = part(output, row, block.rows, head)
            for index in 0..<rows {
              block.delta[index] = peft_dot(
                dy.address + index * dy.stride, y.address + index * y.stride, headWidth)
            }
            peft_attention_softmax_backward(
              p.address, dp.address, rows, columns, p.stride, scale, block.delta)
            multiplyAlone(dp, .none, k, to: part(dq, row, block.rows, head))
            multiplyAlone(dp, .transposed, q, beta: 1, to: part(dk, row, block.keys, group))
          }
        }
      }
    }

    /// Dropout of the scores of one block; the mask depends on row, head, query and key alone.
    private func drop(_ scores: Matrix, _ row: Int, _ head: Int, _ block: Block) {
      guard dropout > 0 else { return }
      for index in 0..<scores.rows {
        let query = (row * heads + head) * queryCount + block.rows.lowerBound + index
        let line = scores.address + index * scores.stride
        peft_dropout(
          line, line, scores.columns, dropout, dropoutKey,
          UInt64(query * keyCount + block.keys.lowerBound))
      }
    }

    // MARK: Cutting up the work

    private func headRange(_ group: Int) -> Range<Int> {
      let size = heads / groups
      return group * size..<(group + 1) * size
    }

    private func eachGroup(_ body: (_ row: Int, _ group: Int) -> Void) {
      let work = batch * groups
      let flopsEach = queryCount * keyCount * headWidth * max(1, heads / max(1, groups))
      Parallel.run(work, grain: max(1, Kernels.grain / max(1, flopsEach))) { _, range in
        for index in range { body(index / groups, index % groups) }
      }
    }

    /// Some queries of one row, the keys that they see, and their bounds within these.
    private struct Block {
      var rows: Range<Int>
      var keys: Range<Int>
      var low: UnsafeMutablePointer<Int32>
      var high: UnsafeMutablePointer<Int32>
      var delta: UnsafeMutablePointer<Float>
    }

    private func eachBlock(_ row: Int, _ body: (Block) -> Void) {
      let size = Self.blockRows
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * size) { bounds in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { delta in
          guard let bounds = bounds.baseAddress, let delta = delta.baseAddress else { return }
          for start in stride(from: 0, to: queryCount, by: size) {
            let rows = start..<min(start + size, queryCount)
            let places = row * queryCount + rows.lowerBound..<row * queryCount + rows.upperBound
            let first = spans.low[places].min() ?? 0
            let end = min(spans.high[places].max() ?? 0, Int32(keyCount))
            let keys = Int(first)..<Int(max(first, end))
            for (index, place) in places.enumerated() {
              bounds[index] = spans.low[place] - first
              bounds[size + index] = spans.high[place] - first
            }
            body(
              Block(rows: rows, keys: keys, low: bounds, high: bounds + size, delta: delta))
          }
        }
      }
    }

    private func part(_ tensor: Tensor, _ row: Int, _ rows: Range<Int>, _ head: Int) -> Matrix {
      Matrix(
        address: tensor.address + (row * tensor.shape[1] + rows.lowerBound) * tensor.rowStride
          + head * headWidth,
        rows: rows.count, columns: headWidth, stride: tensor.rowStride)
    }

    /// Memory for the scores of one block.
    private struct Scratch {
      let tensor: Tensor
      let columns: Int

      init(columns: Int, matrices: Int) {
        self.columns = columns
        tensor = Tensor(uninitialized: [matrices, blockRows, columns])
      }

      func matrix(_ index: Int, rows: Int, columns: Int) -> Matrix {
        Matrix(
          address: tensor.address + index * blockRows * self.columns, rows: rows, columns: columns,
          stride: columns)
      }
    }
  }
}
