import CPEFTKernels
import Foundation
import XCTest

final class KernelsReductionsTests: XCTestCase {
  func testSums() {
    KernelsCheck.forEachInstructionSet { label in
      for n in KernelsCheck.lengths + [5000, 100_003] {
        let a = KernelsCheck.values(n, seed: 21)
        // A lane adds 16 numbers in a row, then all is pairwise: some 24 roundings of the magnitudes.
        let magnitude = max(1, a.reduce(0.0) { $0 + abs(Double($1)) })
        let sum = a.reduce(0.0) { $0 + Double($1) }
        XCTAssertEqual(
          Double(peft_sum(a, n)), sum, accuracy: magnitude * 24 * 0x1p-24, "\(label) \(n)")
        let squares = a.reduce(0.0) { $0 + Double($1) * Double($1) }
        XCTAssertEqual(
          peft_sum_of_squares(a, n), squares, accuracy: squares * 1e-12, "\(label) \(n)")
      }
    }
  }

  func testAManyTermedSumKeepsItsPrecision() {
    // Added one after another in float32, these would be off by far more.
    let n = 3_000_000
    let x = [Float](repeating: 0.1, count: n)
    KernelsCheck.forEachInstructionSet { label in
      let expected = Double(n) * Double(Float(0.1))
      XCTAssertEqual(Double(peft_sum(x, n)), expected, accuracy: expected * 1e-6, label)
    }
  }

  func testSumOfSquaresDoesNotOverflow() {
    let x = [Float](repeating: 1e30, count: 40)
    KernelsCheck.forEachInstructionSet { label in
      let expected = 40 * Double(Float(1e30)) * Double(Float(1e30))
      XCTAssertEqual(peft_sum_of_squares(x, 40), expected, accuracy: expected * 1e-12, label)
    }
  }

  func testAllFinite() {
    KernelsCheck.forEachLength { label, n in
      var x = KernelsCheck.values(n, seed: 24)
      if n > 0 { x[0] = .greatestFiniteMagnitude }
      XCTAssertEqual(peft_all_finite(x, n), 1, label)
      for position in [0, n / 2, n - 1] where n > 0 {
        for value: Float in [.nan, .infinity, -.infinity] {
          var y = x
          y[position] = value
          XCTAssertEqual(peft_all_finite(y, n), 0, label)
        }
      }
    }
  }

  func testColumnSumsAddToWhatIsThere() {
    KernelsCheck.forEachLength { label, columns in
      for rows in [0, 1, 7, 8, 21] {
        let stride = columns + 3
        let x = KernelsCheck.values(rows * stride, seed: 25)
        let y = KernelsCheck.values(columns, seed: 26)
        let sums = KernelsCheck.output(y) { peft_add_column_sums(x, rows, columns, stride, $0) }
        let expected = (0..<columns).map { column in
          (0..<rows).reduce(Double(y[column])) { $0 + Double(x[$1 * stride + column]) }
        }
        KernelsCheck.expect(sums, expected, ulps: 8, floor: 8, "\(label), \(rows) rows")
      }
    }
  }
}
