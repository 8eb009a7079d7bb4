import PEFTTensor
import PEFTTestSupport
import XCTest

final class DropoutTests: XCTestCase {
  func testGradientUsesTheSameMask() {
    for shape in [[1], [7], [3, 5], [2, 3, 33], [0, 4], []] {
      var random = SeededRandom(80)
      let mask = Tensor(repeating: 1, shape: shape).dropout(0.3, key: 11).array.map(Double.init)
      checkOp([random.tensor(shape)]) {
        $0[0].dropout(0.3, key: 11)
      } reference: {
        zip($0[0], mask).map(*)
      }
    }
  }

  func testElementsAreZeroOrScaled() {
    let probability: Float = 0.25
    let values = Tensor(repeating: 3, shape: [400, 251]).dropout(probability, key: 1).array
    let kept = values.filter { $0 != 0 }
    XCTAssert(kept.allSatisfy { abs($0 - 4) < 1e-6 })
    // Five standard deviations of a binomial distribution.
    let count = Double(values.count)
    let deviation = (count * 0.25 * 0.75).squareRoot()
    XCTAssertEqual(Double(kept.count), 0.75 * count, accuracy: 5 * deviation)
  }

  func testTheMaskDependsOnKeyAndPlaceAlone() {
    let ones = Tensor(repeating: 1, shape: [3, 20_001])
    let mask = ones.dropout(0.5, key: 7).array
    XCTAssertEqual(ones.dropout(0.5, key: 7).array, mask)
    XCTAssertEqual(ones.reshaped([60_003]).dropout(0.5, key: 7).array, mask)
    XCTAssertEqual(
      Tensor(repeating: 1, shape: [100]).dropout(0.5, key: 7).array, Array(mask[..<100]))
    let other = ones.dropout(0.5, key: 8).array
    let agreeing = zip(mask, other).count { $0 == $1 }
    XCTAssertEqual(Double(agreeing), 30_001.5, accuracy: 5 * (60_003.0 / 4).squareRoot())
  }

  func testNeighboursAreIndependent() {
    let mask = Tensor(repeating: 1, shape: [100_001]).dropout(0.5, key: 3).array
    let equal = zip(mask, mask.dropFirst()).count { $0 == $1 }
    XCTAssertEqual(Double(equal), 50_000, accuracy: 5 * Double(25_000).squareRoot())
  }

  func testProbabilityZeroIsTheTensorItself() {
    let x = Tensor([1, 2])
    XCTAssert(x.dropout(0, key: 1).storage === x.storage)
  }
}
