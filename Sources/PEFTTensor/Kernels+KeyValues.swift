internal import CPEFTKernels

extension Kernels {
  /// The memory of a block in bytes.
  static func byteCount(_ size: KeyValueBlock.Size, bits: Int) -> Int {
    size.heads * peft_key_values_bytes(size.width, size.tokens, UInt32(bits))
  }

  /// Sets tokens of a block of numbers.
  static func write(_ keys: Tensor, _ values: Tensor, to block: KeyValueBlock, at start: Int) {
    let size = block.size
    for (part, source) in [keys, values].enumerated() {
      for row in 0..<source.rows {
        let from = source.address + row * source.rowStride
        for head in 0..<size.heads {
          let place = ((head * 2 + part) * size.tokens + start + row) * size.width
          (block.storage.floats + place).update(from: from + head * size.width, count: size.width)
        }
      }
    }
  }

  /// Makes codes of a block of numbers.
  static func pack(_ block: KeyValueBlock, to codes: KeyValueBlock) {
    let size = block.size
    let numbers = byteCount(size, bits: 32) / max(1, size.heads)
    let coded = byteCount(size, bits: codes.bits) / max(1, size.heads)
    Parallel.run(size.heads, grain: max(1, grain / (2 * size.tokens * size.width))) { _, heads in
      let scratch = Storage(byteCount: size.tokens * size.width)
      for head in heads {
        peft_key_values_pack(
          block.storage.floats + head * numbers / 4, size.width, size.tokens, UInt32(codes.bits),
          scratch.bytes, codes.storage.address + head * coded)
      }
    }
  }

  /// The keys and values of tokens of a row.
  static func numbers(
    _ row: KeyValueRow, _ size: KeyValueBlock.Size, _ tokens: Range<Int>
  ) -> (keys: Tensor, values: Tensor) {
    let results = [false, true].map { isValues in
      let heads = (0..<size.heads).map { head in
        let part = Tensor(uninitialized: [tokens.count, size.width])
        BlockTable(row, size).with(head: head) { table in
          peft_key_values_read(
            table, isValues ? 1 : 0, tokens.lowerBound, tokens.upperBound, part.address)
        }
        return part
      }
      return Tensor.concatenated(heads, axis: 1)
    }
    return (results[0], results[1])
  }

  /// Where the blocks of a row lie; valid as long as the row.
  struct BlockTable {
    private var addresses: [UnsafeRawPointer?]
    private var bits: [UInt8]
    private let size: KeyValueBlock.Size

    init(_ row: KeyValueRow, _ size: KeyValueBlock.Size) {
      addresses = Array(repeating: nil, count: row.dropped)
      addresses += row.blocks.map { UnsafeRawPointer($0.storage.address) }
      bits = Array(repeating: 32, count: row.dropped) + row.blocks.map { UInt8($0.bits) }
      self.size = size
    }

    func with<Result>(head: Int, _ body: (UnsafePointer<peft_key_values>) -> Result) -> Result {
      addresses.withUnsafeBufferPointer { addresses in
        bits.withUnsafeBufferPointer { bits in
          var table = peft_key_values()
          (table.blocks, table.bits) = (addresses.baseAddress, bits.baseAddress)
          (table.block, table.width, table.head) = (size.tokens, size.width, head)
          return withUnsafePointer(to: table, body)
        }
      }
    }
  }

  /// Attention of `queries` [B, T, H * K] to the keys and values of B rows, with spans in tokens of each row.
  struct CachedAttention {
    let queries: Tensor
    let rows: [KeyValueRow]
    let size: KeyValueBlock.Size
    let spans: AttentionSpans
    let scale: Float

    private var queryCount: Int { queries.shape[1] }
    private var headsOfGroup: Int { queries.columns / size.width / size.heads }

    /// Up to so many queries a row are taken one by one, as in attention without blocks.
    private static let fewQueries = 4

    func forward(to output: Tensor) {
      let isShort = queryCount <= Self.fewQueries
      // Codes are brought into numbers once for all heads that share them.
      let isCoded = rows.contains { row in row.blocks.contains { $0.bits < 32 } }
      let cuts = isShort && !isCoded ? headsOfGroup : 1
      let heads = headsOfGroup / cuts
      let tables = rows.map { BlockTable($0, size) }
      let longest = (0..<spans.low.count).reduce(0) { max($0, keys($1).count) }
      let scratch = isShort ? shortScratch(tables, heads, longest) : 0
      let units = size.heads * cuts
      let work = longest * queryCount * heads * size.width
      let unitGrain = max(1, grain / max(1, work))
      Parallel.run(rows.count * units, grain: unitGrain) { _, range in
        let memory = Tensor(uninitialized: [scratch])
        for unit in range {
          let (row, part) = (unit / units, unit % units)
          let first = part / cuts * headsOfGroup + part % cuts * heads
          if isShort {
            tables[row].with(head: part / cuts) { table in
              for query in 0..<queryCount {
                let keys = keys(row * queryCount + query)
                peft_key_values_attention(
                  table, address(queries, row, query, first), heads, keys.lowerBound,
                  keys.upperBound, scale, address(output, row, query, first), memory.address)
              }
            }
          } else {
            attendInTiles(row, group: part, tables[row], to: output)
          }
        }
      }
    }

    /// Many queries: the keys and values of one head at a time as they lie without blocks.
    private func attendInTiles(_ row: Int, group: Int, _ table: BlockTable, to output: Tensor) {
      let places = row * queryCount..<(row + 1) * queryCount
      let seen = places.map { keys($0) }
      let used = seen.filter { !$0.isEmpty }
      let start = used.map(\.lowerBound).min() ?? 0
      let count = (used.map(\.upperBound).max() ?? start) - start
      let numbers = Tensor(uninitialized: [2, count * size.width])
      table.with(head: group) { table in
        for part in 0..<2 {
          peft_key_values_read(
            table, Int32(part), start, start + count,
            numbers.address + part * count * size.width)
        }
      }
      let low = seen.map { Int32($0.isEmpty ? 0 : $0.lowerBound - start) }
      let high = seen.map { Int32($0.isEmpty ? 0 : $0.upperBound - start) }
      low.withUnsafeBufferPointer { low in
        high.withUnsafeBufferPointer { high in
          var problem = peft_attention()
          problem.queries = UnsafePointer(address(queries, row, 0, group * headsOfGroup))
          problem.keys = UnsafePointer(numbers.address)
          problem.values = UnsafePointer(numbers.address + count * size.width)
          (problem.query_stride, problem.key_stride) = (queries.rowStride, size.width)
          (problem.value_stride, problem.query_count) = (size.width, queryCount)
          (problem.key_count, problem.width, problem.heads) = (count, size.width, headsOfGroup)
          (problem.low, problem.high) = (low.baseAddress, high.baseAddress)
          problem.scale = scale
          let sums = Tensor(uninitialized: [headsOfGroup, queryCount])
          let scratch = Tensor(uninitialized: [peft_attention_scratch(&problem)])
          for head in 0..<headsOfGroup {
            peft_attention_forward(
              &problem, head, address(output, row, 0, group * headsOfGroup), output.rowStride,
              sums.address, 0, 1, scratch.address)
          }
        }
      }
    }

    /// The tokens that a query of all rows sees, among those that its row holds.
    private func keys(_ place: Int) -> Range<Int> {
      let row = rows[place / queryCount]
      let low = max(Int(spans.low[place]), row.start)
      return low..<max(low, min(Int(spans.high[place]), row.length))
    }

    private func shortScratch(_ tables: [BlockTable], _ heads: Int, _ keys: Int) -> Int {
      tables.first?.with(head: 0) { peft_key_values_scratch($0, heads, keys) } ?? 0
    }

    private func address(
      _ tensor: Tensor, _ row: Int, _ query: Int, _ head: Int
    ) -> UnsafeMutablePointer<Float> {
      tensor.address + (row * queryCount + query) * tensor.rowStride + head * size.width
    }
  }
}
