import CPEFTKernels
import Foundation
import XCTest

final class KernelsAttentionTests: XCTestCase {
  private let rows = 6
  private let scale: Float = 0.37

  /// Bounds of all kinds: everything, causal, a window, empty, reversed, beyond the columns.
  private func bounds(_ columns: Int) -> (low: [Int32], high: [Int32]) {
    let n = Int32(columns)
    return ([0, 0, n / 3, n / 2, n, -5], [n, n / 2 + 1, n - 1, n / 2, 0, n + 9])
  }

  func testSoftmaxWithinTheBounds() {
    KernelsCheck.forEachLength { label, columns in
      let stride = columns + 4
      let s = KernelsCheck.values(rows * stride, seed: 61, in: -40...40)
      let (low, high) = bounds(columns)
      var lse = [Float](repeating: -77, count: rows)
      let p = KernelsCheck.output(s) {
        peft_attention_softmax($0, rows, columns, stride, scale, low, high, &lse)
      }
      let again = KernelsCheck.output(s) {
        peft_attention_probabilities($0, rows, columns, stride, scale, low, high, lse)
      }
      for row in 0..<rows {
        let from = min(max(Int(low[row]), 0), columns), to = min(max(Int(high[row]), 0), columns)
        let line = (row * stride)..<(row * stride + columns)
        var expected = [Double](repeating: 0, count: columns)
        var normaliser = 0.0
        if from < to {
          let seen = (from..<to).map { exp(Double(scale) * Double(s[row * stride + $0])) }
          let sum = seen.reduce(0, +)
          for (index, value) in seen.enumerated() { expected[from + index] = value / sum }
          normaliser = log(sum)
        }
        // An exponent of up to 15, in float, is off by eight places of the result.
        KernelsCheck.expect(Array(p[line]), expected, ulps: 24, label)
        KernelsCheck.expect(Array(again[line]), expected, ulps: 32, label)
        KernelsCheck.expect([lse[row]], [normaliser], ulps: 4, floor: 1, label)
        for column in 0..<columns where column < from || column >= to {
          XCTAssertEqual(p[row * stride + column], 0, label)
          XCTAssertEqual(again[row * stride + column], 0, label)
        }
        let gap = (row * stride + columns)..<((row + 1) * stride)
        XCTAssertEqual(p[gap], s[gap], label)
        XCTAssertEqual(again[gap], s[gap], label)
      }
    }
  }

  func testSoftmaxBackward() {
    KernelsCheck.forEachLength { label, columns in
      let stride = columns + 1
      let p = KernelsCheck.values(rows * stride, seed: 62, in: 0...1)
      let dp = KernelsCheck.values(rows * stride, seed: 63)
      let delta = KernelsCheck.values(rows, seed: 64)
      let ds = KernelsCheck.output(dp) {
        peft_attention_softmax_backward(p, $0, rows, columns, stride, scale, delta)
      }
      for row in 0..<rows {
        let line = (row * stride)..<(row * stride + columns)
        let expected = line.map {
          Double(scale) * Double(p[$0]) * (Double(dp[$0]) - Double(delta[row]))
        }
        KernelsCheck.expect(Array(ds[line]), expected, ulps: 4, floor: 1e-3, label)
        XCTAssertEqual(ds[line.upperBound], dp[line.upperBound], label)
      }
    }
  }
}
