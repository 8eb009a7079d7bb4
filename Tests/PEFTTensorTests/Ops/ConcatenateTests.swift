import PEFTTensor
import PEFTTestSupport
import XCTest

final class ConcatenateTests: XCTestCase {
  func testEveryAxis() {
    for (shape, sizes) in [
      ([1], [1, 1]), ([4], [4, 2, 0]), ([3, 5], [1, 3]), ([2, 3, 4], [2, 1, 2]), ([2, 1, 3], [1]),
      ([0, 2], [2, 1]),
    ] {
      for axis in shape.indices {
        var random = SeededRandom(50)
        let shapes = sizes.map { size in
          var own = shape
          own[axis] = size
          return own
        }
        let outer = shape[..<axis].reduce(1, *)
        let inner = shape[(axis + 1)...].reduce(1, *)
        checkOp(shapes.map { random.tensor($0) }) {
          let result = Tensor.concatenated($0, axis: axis)
          XCTAssertEqual(result.shape[axis], sizes.reduce(0, +))
          return result
        } reference: { values in
          var result: [Double] = []
          for index in 0..<outer {
            for (values, size) in zip(values, sizes) {
              result += values[index * size * inner..<(index + 1) * size * inner]
            }
          }
          return result
        }
      }
    }
  }

  func testTheSameTensorTwice() {
    let x = Parameter(Tensor([1, 2]))
    let twice = Tensor.concatenated([x.tensor, x.tensor], axis: 0)
    twice.backward(gradient: Tensor([1, 2, 30, 40]))
    XCTAssertEqual(x.gradient?.array, [31, 42])
  }
}
