import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class AttentionGroupsTests: XCTestCase {
  /// Where groups of a sequence begin.
  private func starts(_ groups: AttentionGroups, _ length: Int, shifted: Bool) -> [Int] {
    Set((0..<length).map { groups.start(of: $0, length: length, isShifted: shifted) }).sorted()
  }

  func testBoundaries() {
    XCTAssertEqual(starts(.size(4), 16, shifted: false), [0, 4, 8, 12])
    XCTAssertEqual(starts(.size(4), 16, shifted: true), [0, 2, 6, 10, 14])
    XCTAssertEqual(starts(.ratio(0.25), 16, shifted: true), [0, 2, 6, 10, 14])
    XCTAssertEqual(starts(.ratio(0.25), 17, shifted: false), [0, 5, 10, 15])
    XCTAssertEqual(starts(.size(4), 7, shifted: false), [0, 4])
    XCTAssertEqual(starts(.size(4), 7, shifted: true), [0, 2, 6])
    XCTAssertEqual(starts(.size(5), 9, shifted: true), [0, 2, 7])
    XCTAssertEqual(starts(.size(40), 9, shifted: false), [0])
    XCTAssertEqual(starts(.size(40), 9, shifted: true), [0])
    XCTAssertEqual(starts(.ratio(1), 6, shifted: true), [0, 3])
    XCTAssertEqual(starts(.size(1), 3, shifted: true), [0, 1, 2])
  }

  func testSpansOfEverySequenceAreItsOwn() {
    // The second row is shorter, and both are padded on the left.
    let rows = VisibleKeys.rows([1..<9, 4..<9], queries: 9, past: 0)
    let plain = rows.spans(in: .size(4), isShifted: false)
    XCTAssertEqual(plain.low.prefix(9).suffix(8), [1, 1, 1, 1, 5, 5, 5, 5])
    XCTAssertEqual(plain.low.suffix(5), [4, 4, 4, 4, 8])
    XCTAssertEqual(plain.high, rows.spans().high)
    let shifted = rows.spans(in: .size(4), isShifted: true)
    XCTAssertEqual(shifted.low.prefix(9).suffix(8), [1, 1, 3, 3, 3, 3, 7, 7])
    XCTAssertEqual(shifted.low.suffix(5), [4, 4, 6, 6, 6])
    let joined = VisibleKeys.segments([0..<8, 8..<13]).spans(in: .size(4), isShifted: true)
    XCTAssertEqual(joined.low, [0, 0, 2, 2, 2, 2, 6, 6, 8, 8, 10, 10, 10])
    // A window narrows it further; a prefix belongs to the first group.
    let narrow = VisibleKeys.segments([0..<8]).spans(in: .size(4), isShifted: false, window: 2)
    XCTAssertEqual(narrow.low, [0, 0, 1, 2, 4, 4, 5, 6])
    let prefixed = VisibleKeys.segments([0..<5, 5..<8]).spans(
      in: .size(3), isShifted: false, prefix: 2)
    XCTAssertEqual(prefixed.low, [0, 0, 0, 5, 5, 7, 7, 7])
    XCTAssertEqual(prefixed.high, [3, 4, 5, 6, 7, 10, 11, 12])
  }

  func testOneGroupIsFullAttention() {
    let rows = VisibleKeys.rows([0..<7, 2..<6], queries: 7, past: 0)
    for shifted in [false, true] {
      XCTAssertEqual(rows.spans(in: .size(14), isShifted: shifted).low, rows.spans().low)
    }
    XCTAssertEqual(rows.spans(in: .size(7), isShifted: false).low, rows.spans().low)
    XCTAssertNotEqual(rows.spans(in: .size(7), isShifted: true).low, rows.spans().low)
  }

  /// Every head and group by itself, over its own tokens only.
  private func reference(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, width: Int, groups: AttentionGroups
  ) -> [Float] {
    let (length, heads, shared) = (q.shape[1], q.columns / width, k.columns / width)
    var result = [Float](repeating: 0, count: q.count)
    for head in 0..<heads {
      let group = head / (heads / shared)
      let starts = starts(groups, length, shifted: head >= heads / 2) + [length]
      for (first, end) in zip(starts, starts.dropFirst()) {
        func part(_ x: Tensor, _ head: Int) -> Tensor {
          x.columns(head * width..<(head + 1) * width).sliced(axis: 1, first..<end)
        }
        let own = part(q, head).attention(
          keys: part(k, group), values: part(v, group), headWidth: width,
          spans: AttentionSpans(keys: [0..<end - first], queries: end - first, isCausal: true),
          scale: 0.5
        ).array
        for place in first..<end {
          for column in 0..<width {
            result[place * q.columns + head * width + column] =
              own[(place - first) * width + column]
          }
        }
      }
    }
    return result
  }

  func testHeadsByThemselves() {
    // The middle of the heads between groups that share keys, and within one.
    for (heads, shared) in [(4, 4), (4, 2), (4, 1), (6, 2), (12, 3), (3, 1), (1, 1), (5, 5)] {
      let (width, length) = (4, 23)
      var random = SeededRandom(UInt64(heads))
      let q = random.tensor([1, length, heads * width])
      let (k, v) = (
        random.tensor([1, length, shared * width]), random.tensor([1, length, shared * width])
      )
      for groups in [AttentionGroups.size(6), .ratio(0.25), .size(5)] {
        let visible = VisibleKeys.rows([0..<length], queries: length, past: 0)
        let found = q.attention(
          keys: k, values: v, headWidth: width,
          halves: [false, true].map { visible.spans(in: groups, isShifted: $0) }, scale: 0.5,
          dropout: 0, dropoutKeys: nil)
        expectClose(
          found.array, reference(q, k, v, width: width, groups: groups).map(Double.init),
          absolute: 1e-6, "\(heads) heads, \(shared) shared")
      }
    }
  }
}
