import Foundation
import PEFTTensor
import PEFTTestSupport
import XCTest

final class ElementwiseTests: XCTestCase {
  private static let pairs: [([Int], [Int])] = [
    ([], []), ([1], []), ([3], [1]), ([2, 3], [3]), ([3], [2, 3]), ([2, 3], [2, 1]),
    ([2, 1], [1, 5]), ([4, 1, 3], [2, 1]), ([1, 1], [3, 4]), ([0, 3], [3]), ([0, 3], [1, 1]),
    ([2, 3, 4], [2, 3, 4]), ([2, 1, 4], [1, 3, 1]), ([7, 33], [7, 33]), ([5, 1, 1], [1, 1, 1]),
  ]

  func testSumsAndDifferences() {
    check {
      $0 + $1
    } reference: {
      $0 + $1
    }
    check {
      $0 - $1
    } reference: {
      $0 - $1
    }
  }

  func testProductsAndQuotients() {
    check {
      $0 * $1
    } reference: {
      $0 * $1
    }
    check {
      $0 / $1
    } reference: {
      $0 / $1
    }
  }

  func testBothOperandsTheSame() {
    var random = SeededRandom(20)
    let x = random.tensor([3, 4], in: 0.5...2)
    checkOp([x]) {
      $0[0] + $0[0]
    } reference: {
      $0[0].map { 2 * $0 }
    }
    checkOp([x]) {
      $0[0] * $0[0]
    } reference: {
      $0[0].map { $0 * $0 }
    }
    checkOp([x]) {
      $0[0] / $0[0]
    } reference: {
      $0[0].map { _ in 1 }
    }
    checkOp([x]) {
      $0[0] - $0[0]
    } reference: {
      $0[0].map { _ in 0 }
    }
  }

  func testNumbers() {
    var random = SeededRandom(21)
    for shape in [[], [1], [3, 5], [0, 2]] {
      let x = random.tensor(shape)
      checkOp([x]) {
        2 * $0[0] * 0.5 / 4 + 3 - 1
      } reference: {
        $0[0].map { $0 / 4 + 2 }
      }
      checkOp([x]) {
        -$0[0]
      } reference: {
        $0[0].map { -$0 }
      }
      checkOp([x]) {
        $0[0].scaled(3, plus: -1)
      } reference: {
        $0[0].map { 3 * $0 - 1 }
      }
    }
  }

  func testRootsAndExponentials() {
    var random = SeededRandom(22)
    for shape in [[], [1], [3, 5], [0, 2], [2, 2, 17]] {
      let x = random.tensor(shape, in: 0.25...4)
      checkOp([x]) {
        $0[0].squareRoot
      } reference: {
        $0[0].map { $0.squareRoot() }
      }
      checkOp([x]) {
        $0[0].exponential
      } reference: {
        $0[0].map { exp($0) }
      }
    }
    XCTAssertEqual(Tensor([0, 4]).squareRoot.array, [0, 2])
    XCTAssertEqual(Tensor([-.infinity, 0, 200]).exponential.array, [0, 1, .infinity])
  }

  func testBroadcast() {
    for (small, large) in [([], [2, 3]), ([1, 3], [4, 3]), ([3, 1], [2, 3, 5]), ([1], [0])] {
      var random = SeededRandom(23)
      let places = Self.places(small, in: large)
      checkOp([random.tensor(small)], length: places.count) {
        $0[0].broadcast(to: large)
      } reference: { values in
        places.map { values[0][$0] }
      }
    }
  }

  private func check(
    file: StaticString = #filePath, line: UInt = #line,
    _ operation: @escaping (Tensor, Tensor) -> Tensor,
    reference: @escaping (Double, Double) -> Double
  ) {
    for (left, right) in Self.pairs {
      var random = SeededRandom(UInt64(left.count * 10 + right.count))
      let rank = max(left.count, right.count)
      let padded = [left, right].map { Array(repeating: 1, count: rank - $0.count) + $0 }
      let shape = zip(padded[0], padded[1]).map { $0 == 1 ? $1 : $0 }
      let places = [Self.places(left, in: shape), Self.places(right, in: shape)]
      checkOp(
        [random.tensor(left), random.tensor(right, in: 0.5...2)],
        length: places[0].count, file: file, line: line
      ) {
        let result = operation($0[0], $0[1])
        XCTAssertEqual(result.shape, shape, file: file, line: line)
        return result
      } reference: { values in
        zip(places[0], places[1]).map { reference(values[0][$0], values[1][$1]) }
      }
    }
  }

  /// For every element of the large shape, which element of the small one it comes from.
  private static func places(_ small: [Int], in large: [Int]) -> [Int] {
    let own = Array(repeating: 1, count: large.count - small.count) + small
    return (0..<large.reduce(1, *)).map { index in
      var (rest, place, stride) = (index, 0, 1)
      for (size, full) in zip(own, large).reversed() {
        if size > 1 { place += rest % full * stride }
        rest /= full
        stride *= size
      }
      return place
    }
  }
}
