import CPEFTKernels
import XCTest

final class KernelsTurnsTests: XCTestCase {
  private let x = (0..<16).map { Double(($0 * 7 + 3) % 11) - 5 }
  private let dx = (0..<16).map { Double(($0 * 5 + 1) % 13) - 6 }

  func testPairsAreTurned() {
    KernelsCheck.forEachInstructionSet { label in
      for distance in [1, 2, 4, 8] {
        var turned = x
        peft_turn_pairs(&turned, 16, distance, 0.6, 0.8)
        for i in x.indices {
          let isLow = i / distance % 2 == 0
          let expected =
            isLow ? 0.6 * x[i] - 0.8 * x[i + distance] : 0.8 * x[i - distance] + 0.6 * x[i]
          XCTAssertEqual(turned[i], expected, accuracy: 1e-14, "\(label), distance \(distance)")
        }
      }
    }
  }

  func testSlopeOfAllPairs() {
    KernelsCheck.forEachInstructionSet { label in
      for distance in [1, 2, 4, 8] {
        let expected = x.indices.filter { $0 / distance % 2 == 0 }.reduce(0.0) {
          $0 + dx[$1 + distance] * x[$1] - dx[$1] * x[$1 + distance]
        }
        XCTAssertEqual(
          peft_turn_slope(x, dx, 16, distance), expected, accuracy: 1e-12,
          "\(label), distance \(distance)")
      }
    }
  }
}
