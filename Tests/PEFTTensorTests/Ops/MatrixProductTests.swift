import PEFTTensor
import PEFTTestSupport
import XCTest

final class MatrixProductTests: XCTestCase {
  func testAwkwardShapes() {
    for (left, right) in [
      ([1, 1], [1, 1]), ([3, 5], [5, 2]), ([1, 7], [7, 1]), ([5, 1], [1, 6]), ([0, 3], [3, 2]),
      ([2, 0], [0, 3]), ([2, 3], [3, 0]),
    ] { check(left, right) }
  }

  func testBatches() {
    for (left, right) in [
      ([2, 3, 4], [2, 4, 5]), ([1, 2, 3], [1, 3, 1]), ([2, 3, 1, 4], [2, 3, 4, 2]),
      ([0, 2, 3], [0, 3, 2]),
    ] { check(left, right) }
  }

  func testOneRightOperandForAll() {
    for (left, right) in [([2, 3, 4], [4, 5]), ([2, 1, 3, 2], [2, 1]), ([0, 2, 3], [3, 2])] {
      check(left, right)
    }
  }

  func testProductsThatAreSharedByThreads() {
    check([80, 70], [70, 60], samples: 3)
    check([2, 20, 150], [2, 150, 120], samples: 3)
  }

  func testProductsWithAShortSide() {
    // With their gradients, the short side is in each place of each kind of product; large enough
    // for single precision.
    check([600, 120], [120, 8], samples: 2)
    check([10, 300], [300, 200], samples: 2)
    check([10, 200], [200, 300], samples: 2)
    check([600, 8], [8, 120], samples: 2)
    check([40, 300], [300, 300], samples: 1)
  }

  private func check(
    _ left: [Int], _ right: [Int], samples: Int = 40, file: StaticString = #filePath,
    line: UInt = #line
  ) {
    var random = SeededRandom(70)
    let (k, m) = (right[right.count - 2], right[right.count - 1])
    let batch = right.dropLast(2).reduce(1, *)
    let n = left.dropLast().reduce(1, *) / max(1, batch)
    checkOp(
      [random.tensor(left), random.tensor(right)], length: max(n, k, m), samples: samples,
      file: file, line: line
    ) {
      let result = $0[0].matrixProduct($0[1])
      XCTAssertEqual(result.shape, left.dropLast() + [m], file: file, line: line)
      return result
    } reference: { values in
      (0..<batch).flatMap { index in
        let a = DoubleMatrix(
          Array(values[0][index * n * k..<(index + 1) * n * k]), rows: n, columns: k)
        let b = DoubleMatrix(
          Array(values[1][index * k * m..<(index + 1) * k * m]), rows: k, columns: m)
        return (a * b).values
      }
    }
  }
}
