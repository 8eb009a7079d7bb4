import Foundation
import PEFTTransformer
import XCTest

final class RotaryScalingTests: XCTestCase {
  private func frequencies(_ kind: RotaryScaling.Kind, length: Int = 1) -> [Double] {
    RotaryScaling(base: 10_000, kind: kind).frequencies(
      headWidth: 8, length: length, maximumPositions: 16)
  }

  private func expect(
    _ actual: [Double], _ expected: [Double], file: StaticString = #filePath, line: UInt = #line
  ) {
    XCTAssertEqual(actual.count, expected.count, file: file, line: line)
    for (a, e) in zip(actual, expected) {
      XCTAssertEqual(a, e, accuracy: 1e-12 * e, file: file, line: line)
    }
  }

  func testStandardIsAGeometricSeries() {
    expect(frequencies(.standard), [1, 0.1, 0.01, 0.001])
    expect(frequencies(.standard, length: 1000), [1, 0.1, 0.01, 0.001])
  }

  func testLinearDividesAll() {
    expect(frequencies(.linear(factor: 4)), [0.25, 0.025, 0.0025, 0.00025])
  }

  func testDynamicRaisesTheBaseBeyondTheTrainedLength() {
    expect(frequencies(.dynamic(factor: 2), length: 16), [1, 0.1, 0.01, 0.001])
    // Twice the length: the base grows by (2 * 2 - 1)^(8 / 6), so that the last frequency falls by exactly 3.
    let longer = frequencies(.dynamic(factor: 2), length: 32)
    XCTAssertEqual(longer[0], 1)
    XCTAssertEqual(longer[3], 0.001 / 3, accuracy: 1e-15)
    XCTAssertEqual(longer[1], 0.1 / pow(3, 1.0 / 3), accuracy: 1e-12)
  }

  func testLlama3KeepsHighFrequenciesAndDividesLowOnes() {
    // Turns over 1000 trained positions: 159, 15.9, 1.59, 0.159.
    let actual = frequencies(
      .llama3(factor: 8, lowFactor: 1, highFactor: 4, trainedPositions: 1000))
    let share = (1000 * 0.01 / (2 * Double.pi) - 1) / 3
    expect(actual, [1, 0.1, 0.01 * ((1 - share) / 8 + share), 0.001 / 8])
  }
}
