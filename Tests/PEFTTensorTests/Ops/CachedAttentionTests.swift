import CPEFTKernels
import PEFTTensor
import PEFTTestSupport
import XCTest

final class CachedAttentionTests: XCTestCase {
  private struct Case {
    var heads = 4
    var groups = 2
    var width = 5
    var lengths: [Int]
    var queries: Int
    var window: Int?
    var block = 8
  }

  private let cases = [
    Case(lengths: [37], queries: 1), Case(lengths: [37, 21, 1], queries: 1),
    Case(lengths: [40, 17], queries: 3), Case(lengths: [33, 40], queries: 9),
    Case(lengths: [50], queries: 1, window: 11), Case(lengths: [50, 30], queries: 12, window: 9),
    Case(heads: 6, groups: 1, width: 64, lengths: [70], queries: 1, block: 16),
    Case(heads: 2, groups: 2, width: 33, lengths: [30], queries: 2, block: 7),
    Case(heads: 3, groups: 3, width: 1, lengths: [9], queries: 1, block: 1),
  ]

  /// Every row by itself through attention without blocks.
  private func expected(
    _ queries: Tensor, _ rows: [(keys: Tensor, values: Tensor)], _ test: Case
  ) -> [Float] {
    rows.enumerated().flatMap { index, row in
      let length = row.keys.rows
      let spans = AttentionSpans(
        keys: [0..<length], queries: test.queries, past: length - test.queries, isCausal: true,
        window: test.window)
      return queries.prefixAxis(index..<index + 1).attention(
        keys: row.keys.reshaped([1, length, row.keys.columns]),
        values: row.values.reshaped([1, length, row.values.columns]), headWidth: test.width,
        spans: spans, scale: 0.4
      ).array
    }
  }

  /// Bits are equal for numbers; for codes they are those of attention over what the codes stand for.
  func testBitsAreThoseOfAttentionWithoutBlocks() {
    KernelsCheck.forEachInstructionSet { name in
      for (number, test) in cases.enumerated() {
        var random = SeededRandom(UInt64(number))
        let size = KeyValueBlock.Size(tokens: test.block, heads: test.groups, width: test.width)
        let columns = test.groups * test.width
        let queries = random.tensor([test.lengths.count, test.queries, test.heads * test.width])
        for bits in [32, 8, 4] {
          let rows = test.lengths.map { length in
            var row = KeyValueRow(size)
            // A row of another number of tokens before the queries' own sees fewer.
            let count = max(length, test.queries)
            row.append(
              keys: random.tensor([count, columns]), values: random.tensor([count, columns]))
            row.encode(bits: bits, keeping: test.block)
            return row
          }
          let numbers = rows.map { $0.numbers(0..<$0.length) }
          var held = rows
          for index in held.indices {
            if let window = test.window {
              held[index].drop(before: held[index].length - test.queries - window + 1)
            }
          }
          let spans = rows.map { row in
            AttentionSpans(
              keys: [0..<row.length], queries: test.queries, past: row.length - test.queries,
              isCausal: true, window: test.window)
          }
          let all = AttentionSpans(
            low: spans.flatMap(\.low), high: spans.flatMap(\.high), batch: rows.count,
            queries: test.queries)
          let actual = queries.attention(over: held, size, spans: all, scale: 0.4)
          XCTAssertEqual(
            actual.array, expected(queries, numbers, test), "\(name) \(test) \(bits)")
        }
      }
    }
  }

  func testAQueryThatSeesNothingGivesZeros() {
    let size = KeyValueBlock.Size(tokens: 2, heads: 1, width: 2)
    var row = KeyValueRow(size)
    row.append(keys: Tensor(zeros: [3, 2]), values: Tensor(repeating: 5, shape: [3, 2]))
    for queries in [1, 6] {
      let spans = AttentionSpans(
        low: Array(repeating: 0, count: 2 * queries),
        high: Array(repeating: 0, count: queries) + Array(repeating: 3, count: queries), batch: 2,
        queries: queries)
      let output = Tensor(repeating: 1, shape: [2, queries, 2]).attention(
        over: [row, row], size, spans: spans, scale: 1)
      XCTAssertEqual(output.entry(0).array, Array(repeating: 0, count: 2 * queries))
      expectClose(output.entry(1).array, Array(repeating: 5, count: 2 * queries), relative: 1e-6)
      let empty = Tensor(repeating: 1, shape: [1, queries, 2]).attention(
        over: [KeyValueRow(size)], size,
        spans: AttentionSpans(
          low: Array(repeating: 0, count: queries), high: Array(repeating: 4, count: queries),
          batch: 1, queries: queries), scale: 1)
      XCTAssertEqual(empty.array, Array(repeating: 0, count: 2 * queries))
    }
  }
}
