import PEFTTensor
import PEFTTestSupport
import XCTest

final class TransposeTests: XCTestCase {
  func testPermutations() {
    for (shape, axes) in [
      ([], []), ([5], [0]), ([3, 5], [1, 0]), ([1, 7], [1, 0]), ([2, 3, 4], [2, 0, 1]),
      ([2, 3, 4], [0, 2, 1]), ([2, 3, 4, 5], [0, 2, 1, 3]), ([2, 3, 2, 2], [3, 1, 0, 2]),
      ([0, 3], [1, 0]), ([3, 1, 2], [1, 2, 0]),
    ] as [([Int], [Int])] {
      var random = SeededRandom(60)
      let places = Self.places(shape, axes)
      checkOp([random.tensor(shape)]) {
        let result = $0[0].permuted(axes)
        XCTAssertEqual(result.shape, axes.map { shape[$0] })
        return result
      } reference: { values in
        places.map { values[0][$0] }
      }
    }
  }

  func testTransposed() {
    let matrix = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
    XCTAssertEqual(matrix.transposed.array, [1, 4, 2, 5, 3, 6])
    var random = SeededRandom(61)
    let x = random.tensor([2, 150, 170])
    XCTAssertEqual(x.transposed.shape, [2, 170, 150])
    XCTAssertEqual(x.transposed.transposed.array, x.array)
    XCTAssertEqual(x.transposed.entry(1).array, x.entry(1).transposed.array)
  }

  private static func places(_ shape: [Int], _ axes: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in strides.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return axes.reduce([0]) { places, axis in
      places.flatMap { place in (0..<shape[axis]).map { place + $0 * strides[axis] } }
    }
  }
}
