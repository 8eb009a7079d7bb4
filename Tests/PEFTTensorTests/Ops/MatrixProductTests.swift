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

  func testLargeProductsOfIntegersAreExact() {
    // Factors of two small integers each make every element one dot product times an integer.
    for (n, k, m) in [(530, 3100, 70), (40, 300, 600), (25, 1000, 150), (1100, 129, 100)] {
      var random = SeededRandom(71)
      func integers(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float.random(in: -3...3, using: &random).rounded() }
      }
      func outer(_ x: [Float], _ y: [Float]) -> Tensor {
        Tensor(x.flatMap { x in y.map { x * $0 } }, shape: [x.count, y.count])
      }
      let (a, aInner, b, bInner) = (integers(n), integers(k), integers(m), integers(k))
      let (g, gColumns) = (integers(n), integers(m))
      let dot = { (x: [Float], y: [Float]) in zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
      let left = Parameter(outer(a, aInner))
      let right = Parameter(outer(bInner, b))
      let product = left.tensor.matrixProduct(right.tensor)
      let inner = dot(aInner, bInner)
      XCTAssertEqual(product.array, outer(a, b.map { $0 * inner }).array)
      product.backward(gradient: outer(g, gColumns))
      let (across, down) = (dot(gColumns, b), dot(a, g))
      XCTAssertEqual(left.gradient?.array, outer(g, bInner.map { $0 * across }).array)
      XCTAssertEqual(right.gradient?.array, outer(aInner.map { $0 * down }, gColumns).array)
    }
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
