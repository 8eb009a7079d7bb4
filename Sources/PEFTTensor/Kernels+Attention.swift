internal import CPEFTKernels

extension Kernels {
  /// One attention: `queries` [B, T, H * K], `keys` and `values` [B, S, G * K].
  ///
  /// Work is cut into units whose number depends on the shapes alone, and every sum has its place in
  /// one of them: results do not depend on the threads.
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
    private var headsOfGroup: Int { groups == 0 ? 0 : heads / groups }

    /// Up to so many queries a row are taken one by one: most lanes of a tile would be empty.
    private static let fewQueries = 4

    func forward(to output: Tensor, logSums: Tensor) {
      // Queries with keys, and what comes of that with values.
      Arithmetic.count(multiplyAdds: 2 * pairs * headWidth)
      // Tiles of queries are independent, so cutting a head costs nothing.
      let isShort = queryCount <= Self.fewQueries
      let cuts = isShort ? 1 : cuts(tiles: tiles(queryCount), units: batch * heads, wanted: 64)
      eachUnit(ofRow: heads * cuts) { unit in
        let (head, cut) = (unit.index / cuts, unit.index % cuts)
        let (group, member) = (head / headsOfGroup, head % headsOfGroup)
        var problem = self.problem(unit, group)
        let sums = logSums.address + (unit.row * heads + head - member) * queryCount
        if isShort {
          for query in 0..<queryCount {
            peft_attention_row(
              &problem, member, query, address(output, unit.row, query, head: head),
              sums + member * queryCount + query, unit.scratch)
          }
        } else {
          peft_attention_forward(
            &problem, member, address(output, unit.row, head: head - member), output.rowStride,
            sums, cut, cuts, unit.scratch)
        }
      }
    }

    func backward(
      _ gradient: Tensor, output: Tensor, logSums: Tensor, toQueries dq: Tensor,
      toKeys dk: Tensor, toValues dv: Tensor
    ) {
      // The products of queries and keys again, and those for the gradients of them, of values and of what they are weighted with.
      Arithmetic.count(multiplyAdds: 5 * pairs * headWidth)
      // A group's tiles of keys each have a part in the gradients of its queries. One unit adds
      // them up in its own memory; where there are few groups, several units leave their sums.
      let cuts = cuts(tiles: tiles(keyCount), units: batch * groups, wanted: 16)
      let area = headsOfGroup * tiles(queryCount) * headWidth * peft_attention_tile()
      let shared = cuts == 1 ? nil : Tensor(uninitialized: [batch * groups * cuts, area])
      eachUnit(ofRow: groups * cuts, memory: cuts == 1 ? area : 0) { unit in
        let (group, cut) = (unit.index / cuts, unit.index % cuts)
        let first = group * headsOfGroup
        var problem = self.problem(unit, group)
        let queryTiles =
          shared.map { $0.address + ((unit.row * groups + group) * cuts + cut) * area }
          ?? unit.memory
        peft_attention_backward(
          &problem, address(gradient, unit.row, head: first), gradient.rowStride,
          address(output, unit.row, head: first), output.rowStride,
          logSums.address + (unit.row * heads + first) * queryCount, queryTiles,
          address(dk, unit.row, head: group), dk.rowStride,
          address(dv, unit.row, head: group), dv.rowStride, cut, cuts, unit.scratch)
        if cuts == 1 {
          for member in 0..<headsOfGroup {
            peft_attention_query_gradient(
              &problem, member, queryTiles, 1, 0, address(dq, unit.row, head: first), dq.rowStride)
          }
        }
      }
      guard let shared else { return }
      eachUnit(ofRow: heads) { unit in
        let (group, member) = (unit.index / headsOfGroup, unit.index % headsOfGroup)
        var problem = self.problem(unit, group)
        peft_attention_query_gradient(
          &problem, member, shared.address + (unit.row * groups + group) * cuts * area, cuts, area,
          address(dq, unit.row, head: unit.index - member), dq.rowStride)
      }
    }

    /// How often a query of a head sees a key.
    private var pairs: Int {
      heads * zip(spans.low, spans.high).reduce(0) { $0 + Int($1.1 - $1.0) }
    }

    private func tiles(_ count: Int) -> Int {
      (count + peft_attention_tile() - 1) / peft_attention_tile()
    }

    /// Into how many interleaved parts the tiles of one unit are cut for about `wanted` units in all.
    private func cuts(tiles: Int, units: Int, wanted: Int) -> Int {
      max(1, min(tiles, wanted / max(1, units)))
    }

    private func address(
      _ tensor: Tensor, _ row: Int, _ place: Int = 0, head: Int
    ) -> UnsafeMutablePointer<Float> {
      tensor.address + (row * tensor.shape[1] + place) * tensor.rowStride + head * headWidth
    }

    private func problem(_ unit: Unit, _ group: Int) -> peft_attention {
      peft_attention(
        queries: address(queries, unit.row, head: group * headsOfGroup),
        keys: address(keys, unit.row, head: group), values: address(values, unit.row, head: group),
        query_stride: queries.rowStride, key_stride: keys.rowStride, value_stride: values.rowStride,
        query_count: queryCount, key_count: keyCount, width: headWidth, heads: headsOfGroup,
        low: unit.low + unit.row * queryCount, high: unit.high + unit.row * queryCount,
        scale: scale, dropout: dropout, dropout_key: dropoutKey,
        dropout_first: UInt64((unit.row * heads + group * headsOfGroup) * queryCount * keyCount))
    }

    // MARK: Cutting up the work

    /// One of the equal parts of the work of one row of the batch.
    private struct Unit {
      var row: Int
      var index: Int
      var low: UnsafePointer<Int32>
      var high: UnsafePointer<Int32>
      var scratch: UnsafeMutablePointer<Float>
      var memory: UnsafeMutablePointer<Float>
    }

    /// Runs the units of all rows, `memory` floats beside the scratch for each thread.
    private func eachUnit(ofRow units: Int, memory: Int = 0, _ body: (Unit) -> Void) {
      let bounds = shares(units: units)
      var sizes = problemSizes
      let scratch = peft_attention_scratch(&sizes)
      let buffer = Tensor(uninitialized: [bounds.count - 1, scratch + memory])
      spans.low.withUnsafeBufferPointer { low in
        spans.high.withUnsafeBufferPointer { high in
          guard let low = low.baseAddress, let high = high.baseAddress else { return }
          Parallel.run(bounds.count - 1) { _, parts in
            for part in parts {
              let start = buffer.address + part * (scratch + memory)
              for unit in bounds[part]..<bounds[part + 1] {
                body(
                  Unit(
                    row: unit / units, index: unit % units, low: low, high: high, scratch: start,
                    memory: start + scratch))
              }
            }
          }
        }
      }
    }

    private var problemSizes: peft_attention {
      var sizes = peft_attention()
      (sizes.query_count, sizes.key_count) = (queryCount, keyCount)
      (sizes.width, sizes.heads) = (headWidth, headsOfGroup)
      return sizes
    }

    /// Where the units of each thread start: contiguous shares of about the same work, which in a
    /// row is the number of its pairs of a query and a key.
    private func shares(units: Int) -> [Int] {
      var sums = [0]
      for row in 0..<batch {
        let pairs = (row * queryCount..<(row + 1) * queryCount).reduce(0) { sum, place in
          sum + max(0, min(Int(spans.high[place]), keyCount) - max(0, Int(spans.low[place])))
        }
        sums.append(sums[row] + pairs + 1)
      }
      let total = sums[batch]
      let parts = total * heads * headWidth < Kernels.grain ? 1 : Parallel.threads
      var bounds = [0]
      var row = 0
      for part in 1..<max(1, parts) {
        let wanted = total * part / parts
        while sums[row + 1] < wanted { row += 1 }
        let share = (wanted - sums[row]) * units / (sums[row + 1] - sums[row])
        bounds.append(row * units + share)
      }
      return bounds + [batch * units]
    }
  }
}
