import CPEFTKernels
import Foundation
import XCTest

final class KernelsRowsTests: XCTestCase {
  func testAddRowLeavesTheGapsAlone() {
    KernelsCheck.forEachLength { label, columns in
      let rows = 3, stride = columns + 2
      let y = KernelsCheck.values(rows * stride, seed: 31)
      let b = KernelsCheck.values(columns, seed: 32)
      let sum = KernelsCheck.output(y) { peft_add_row($0, rows, columns, stride, b) }
      for index in 0..<(rows * stride) {
        let column = index % stride
        XCTAssertEqual(sum[index], column < columns ? y[index] + b[column] : y[index], label)
      }
    }
  }

  func testSoftmaxAndItsBackward() {
    KernelsCheck.forEachLength { label, columns in
      let rows = 3
      let x = KernelsCheck.values(rows * columns, seed: 33, in: -20...30)
      let dy = KernelsCheck.values(rows * columns, seed: 34)
      let y = KernelsCheck.output(count: x.count) { peft_softmax(x, $0, rows, columns) }
      XCTAssertEqual(KernelsCheck.output(x) { peft_softmax($0, $0, rows, columns) }, y, label)
      let dx = KernelsCheck.output(dy) { peft_softmax_backward(y, $0, $0, rows, columns) }
      for row in 0..<rows where columns > 0 {
        let range = (row * columns)..<((row + 1) * columns)
        let expected = Self.softmax(x[range].map(Double.init))
        KernelsCheck.expect(Array(y[range]), expected, ulps: 16, label)
        let dot = zip(y[range], dy[range]).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        let slopes = range.map { Double(y[$0]) * (Double(dy[$0]) - dot) }
        KernelsCheck.expect(Array(dx[range]), slopes, ulps: 8, floor: 3, label)
      }
    }
  }

  func testSoftmaxOfExtremes() {
    KernelsCheck.forEachInstructionSet { label in
      let x: [Float] = [-.infinity, 3e38, -3e38, 3e38]
      let y = KernelsCheck.output(x) { peft_softmax($0, $0, 1, 4) }
      XCTAssertEqual(y, [0, 0.5, 0, 0.5], label)
      let bad = KernelsCheck.output([1, .nan, 2]) { peft_softmax($0, $0, 1, 3) }
      XCTAssert(bad.allSatisfy(\.isNaN), label)
    }
  }

  func testRotaryTurnsEachPairAndTurnsBack() {
    let rows = 3, heads = 2, gap = 5
    let positions: [Int32] = [4, 0, 6]
    KernelsCheck.forEachInstructionSet { label in
      for (width, rotated) in [(2, 2), (7, 6), (16, 16), (34, 34), (64, 32), (70, 70), (4, 0)] {
        let half = rotated / 2
        let stride = heads * width + gap
        let x = KernelsCheck.values(rows * stride, seed: 35)
        let angles = KernelsCheck.values(7 * half, seed: 36)
        let cosine = angles.map { cos($0) }, sine = angles.map { sin($0) }
        var expected = x.map(Double.init)
        for row in 0..<rows {
          for head in 0..<heads {
            for j in 0..<half {
              let at = row * stride + head * width + j
              let c = Double(cosine[Int(positions[row]) * half + j])
              let s = Double(sine[Int(positions[row]) * half + j])
              expected[at] = Double(x[at]) * c - Double(x[at + half]) * s
              expected[at + half] = Double(x[at + half]) * c + Double(x[at]) * s
            }
          }
        }
        let turned = KernelsCheck.output(x) {
          peft_rotary(
            $0, stride, $0, stride, rows, heads, width, rotated, cosine, sine, positions, 1)
        }
        KernelsCheck.expect(turned, expected, ulps: 2, floor: 4, label)

        let packed = heads * width
        let apart = KernelsCheck.output(count: rows * packed) {
          peft_rotary(
            x, stride, $0, packed, rows, heads, width, rotated, cosine, sine, positions, 1)
        }
        for row in 0..<rows {
          XCTAssertEqual(
            Array(apart[(row * packed)..<((row + 1) * packed)]),
            Array(turned[(row * stride)..<(row * stride + packed)]), label)
        }
        let back = KernelsCheck.output(turned) {
          peft_rotary(
            $0, stride, $0, stride, rows, heads, width, rotated, cosine, sine, positions, -1)
        }
        KernelsCheck.expect(back, x.map(Double.init), ulps: 4, floor: 4, label)
      }
    }
  }

  private static func softmax(_ x: [Double]) -> [Double] {
    let largest = x.max() ?? 0
    let exponentials = x.map { exp($0 - largest) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { $0 / sum }
  }
}
