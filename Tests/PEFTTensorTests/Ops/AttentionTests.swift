import Foundation
import PEFTTensor
import PEFTTestSupport
import XCTest

final class AttentionTests: XCTestCase {
  func testCausalAndFull() {
    for isCausal in [true, false] {
      check(keys: [0..<5, 0..<5], queries: 5, isCausal: isCausal)
      check(keys: [0..<1], queries: 1, isCausal: isCausal)
      check(keys: [0..<7], queries: 7, heads: 1, width: 1, isCausal: isCausal)
      check(keys: [0..<3], queries: 3, heads: 3, width: 5, isCausal: isCausal)
    }
  }

  func testPaddingOnEitherSide() {
    for isCausal in [true, false] {
      check(keys: [0..<4, 0..<6], keyCount: 6, queries: 6, isCausal: isCausal)
      // The first two queries of the first row see nothing in the causal case.
      check(keys: [2..<6, 0..<6], keyCount: 6, queries: 6, isCausal: isCausal)
    }
  }

  func testSlidingWindow() {
    check(keys: [0..<9], queries: 9, isCausal: true, window: 3)
    check(keys: [2..<9], keyCount: 9, queries: 9, isCausal: true, window: 1)
    check(keys: [0..<80], queries: 80, heads: 1, width: 3, isCausal: true, window: 10, samples: 12)
  }

  func testGroupedHeads() {
    check(keys: [0..<5, 1..<5], queries: 5, heads: 4, groups: 2, width: 3, isCausal: true)
    check(keys: [0..<4], queries: 4, heads: 6, groups: 1, width: 2, isCausal: false)
  }

  func testKeysOfEarlierTokens() {
    check(keys: [0..<9, 2..<9], keyCount: 9, queries: 3, past: 6, isCausal: true)
    check(keys: [0..<9], keyCount: 9, queries: 1, past: 8, heads: 4, groups: 2, isCausal: true)
    check(keys: [0..<9], keyCount: 9, queries: 2, past: 7, isCausal: true, window: 4)
  }

  func testSeveralBlocksOfQueries() {
    check(keys: [0..<70], queries: 70, heads: 2, groups: 1, width: 3, isCausal: true, samples: 8)
    check(keys: [3..<131], keyCount: 131, queries: 131, heads: 1, isCausal: true, samples: 4)
    check(keys: [0..<65], queries: 65, heads: 1, width: 2, isCausal: false, samples: 6)
    // Most tiles of keys are seen by few tiles of queries, and some by none.
    check(
      keys: [40..<300], keyCount: 300, queries: 300, heads: 1, width: 2, isCausal: true, window: 7,
      samples: 3)
    let short: [Int32] = (Int32(0)..<150).map { $0 < 70 ? 149 - $0 : $0 / 40 * 3 }
    check(
      AttentionSpans(low: short, high: short.map { $0 + 1 }, batch: 1, queries: 150),
      keyCount: 150, heads: 1, groups: 1, width: 2, samples: 3)
  }

  func testRowsPackedIntoOneSequence() {
    // Two texts of three and two tokens, each causal.
    check(
      AttentionSpans(low: [0, 0, 0, 3, 3], high: [1, 2, 3, 4, 5], batch: 1, queries: 5),
      keyCount: 5, heads: 2, groups: 2, width: 2, samples: 40)
  }

  func testDropoutOfProbabilities() {
    check(keys: [0..<5, 1..<5], queries: 5, heads: 4, groups: 2, isCausal: true, dropout: 0.3)
    check(keys: [0..<3], queries: 3, heads: 1, isCausal: false, dropout: 0.5)
    check(
      keys: [3..<70], keyCount: 70, queries: 70, heads: 2, width: 2, isCausal: true, window: 9,
      dropout: 0.4, samples: 8)
  }

  func testEmptyOperands() {
    check(keys: [], keyCount: 3, queries: 3, isCausal: true)
    check(keys: [0..<0, 0..<0], keyCount: 0, queries: 2, isCausal: false)
    check(keys: [0..<3], keyCount: 3, queries: 0, isCausal: false)
  }

  func testQueryThatSeesNothingGivesZeros() {
    let spans = AttentionSpans(low: [0, 2], high: [0, 2], batch: 1, queries: 2)
    var random = SeededRandom(8)
    let parameters = (0..<3).map { _ in Parameter(random.tensor([1, 2, 4])) }
    let output = parameters[0].tensor.attention(
      keys: parameters[1].tensor, values: parameters[2].tensor, headWidth: 2, spans: spans, scale: 1
    )
    XCTAssertEqual(output.array, [Float](repeating: 0, count: 8))
    output.backward(gradient: random.tensor([1, 2, 4]))
    for parameter in parameters {
      XCTAssertEqual(parameter.gradient?.array, [Float](repeating: 0, count: 8))
    }
  }

  func testLargeScoresStayFinite() {
    let big = Tensor(repeating: 100, shape: [1, 3, 4])
    let output = big.attention(
      keys: big, values: big, headWidth: 4,
      spans: AttentionSpans(keys: [0..<3], queries: 3, isCausal: true), scale: 1)
    expectClose(output.array, [Double](repeating: 100, count: 12), relative: 1e-6)
  }

  func testSpans() {
    let spans = AttentionSpans(keys: [1..<5], queries: 3, past: 2, isCausal: true, window: 2)
    XCTAssertEqual(spans.low, [1, 2, 3])
    XCTAssertEqual(spans.high, [3, 4, 5])
    let left = AttentionSpans(keys: [2..<4], queries: 3, isCausal: true)
    XCTAssertEqual(zip(left.low, left.high).map { $1 - $0 }, [0, 0, 1])
  }

  private func check(
    keys: [Range<Int>], keyCount: Int? = nil, queries: Int, past: Int = 0, heads: Int = 2,
    groups: Int? = nil, width: Int = 4, isCausal: Bool, window: Int? = nil, dropout: Float = 0,
    samples: Int = 40, file: StaticString = #filePath, line: UInt = #line
  ) {
    let spans = AttentionSpans(
      keys: keys, queries: queries, past: past, isCausal: isCausal, window: window)
    check(
      spans, keyCount: keyCount ?? keys[0].count, heads: heads, groups: groups ?? heads,
      width: width, dropout: dropout, samples: samples, file: file, line: line)
  }

  private func check(
    _ spans: AttentionSpans, keyCount: Int, heads: Int, groups: Int, width: Int,
    dropout: Float = 0, samples: Int, file: StaticString = #filePath, line: UInt = #line
  ) {
    var random = SeededRandom(UInt64(keyCount * 10 + heads))
    let (batch, queries) = (spans.batch, spans.queries)
    let inputs = [
      random.tensor([batch, queries, heads * width], in: -2...2),
      random.tensor([batch, keyCount, groups * width], in: -2...2),
      random.tensor([batch, keyCount, groups * width]),
    ]
    let scale = 1 / Float(width).squareRoot()
    // The mask of one element for each row, head, query and key.
    let mask = DoubleMatrix(
      Tensor(repeating: 1, shape: [batch * heads * queries, keyCount]).dropout(dropout, key: 21))
    checkOp(inputs, length: max(keyCount, queries), samples: samples, file: file, line: line) {
      $0[0].attention(
        keys: $0[1], values: $0[2], headWidth: width, spans: spans, scale: scale, dropout: dropout,
        dropoutKey: 21)
    } reference: { values in
      var output = [Double](repeating: 0, count: values[0].count)
      for row in 0..<batch {
        for query in 0..<queries {
          for head in 0..<heads {
            let group = head / (heads / groups)
            let q = (row * queries + query) * heads * width + head * width
            let place = row * queries + query
            let seen =
              Int(
                spans.low[place])..<max(
                Int(spans.low[place]), min(keyCount, Int(spans.high[place])))
            let at = { (key: Int) in (row * keyCount + key) * groups * width + group * width }
            let weights = seen.map { key in
              let k = at(key)
              var dot = 0.0
              for index in 0..<width { dot += values[0][q + index] * values[1][k + index] }
              return exp(dot * Double(scale))
            }
            let total = weights.reduce(0, +)
            for (key, weight) in zip(seen, weights) {
              let v = at(key)
              let kept = mask[(row * heads + head) * queries + query, key] * weight / total
              for index in 0..<width { output[q + index] += kept * values[2][v + index] }
            }
          }
        }
      }
      return output
    }
  }
}
