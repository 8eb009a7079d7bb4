import CPEFTKernels
import Foundation
import XCTest

final class KernelsLossTests: XCTestCase {
  func testCrossEntropy() {
    KernelsCheck.forEachLength { label, columns in
      guard columns > 0 else { return }
      let x = KernelsCheck.values(columns, seed: 71, in: -12...12)
      for smoothing: Float in [0, 0.1] {
        for target in Set([0, columns / 2, columns - 1]) {
          let eps = Double(smoothing)
          let sum = x.reduce(0.0) { $0 + exp(Double($1)) }
          let share = x.map { exp(Double($0)) / sum }
          let goal = (0..<columns).map { ($0 == target ? 1 - eps : 0) + eps / Double(columns) }
          let loss = (0..<columns).reduce(0.0) { $0 - goal[$1] * (Double(x[$1]) - log(sum)) }

          let alone = peft_cross_entropy_row(x, columns, target, smoothing, 0.25, nil)
          KernelsCheck.expect([alone], [loss], ulps: 4, floor: 1, label)
          var value: Float = 0
          let dx = KernelsCheck.output(x) {
            value = peft_cross_entropy_row($0, columns, target, smoothing, 0.25, $0)
          }
          KernelsCheck.expect([value], [loss], ulps: 4, floor: 1, label)
          let expected = (0..<columns).map { 0.25 * (share[$0] - goal[$0]) }
          KernelsCheck.expect(dx, expected, ulps: 16, floor: 0.0625, label)
          XCTAssertEqual(
            KernelsCheck.output(count: columns) {
              _ = peft_cross_entropy_row(x, columns, target, smoothing, 0.25, $0)
            }, dx, label)
        }
      }
    }
  }

  func testExtremeLogits() {
    KernelsCheck.forEachInstructionSet { label in
      let x: [Float] = [1000, -1000, -.infinity]
      XCTAssertEqual(peft_cross_entropy_row(x, 3, 0, 0, 1, nil), 0, label)
      XCTAssertEqual(peft_cross_entropy_row(x, 3, 1, 0, 1, nil), 2000, label)
      XCTAssertEqual(peft_cross_entropy_row(x, 3, 2, 0, 1, nil), .infinity, label)
      XCTAssert(peft_cross_entropy_row([1, .nan], 2, 0, 0, 1, nil).isNaN, label)
    }
  }
}
