import PEFTTensor
import PEFTTestSupport
import XCTest

final class SliceTests: XCTestCase {
  func testRangesOfEveryAxis() {
    for shape in [[1], [7], [3, 5], [2, 3, 4], [2, 3, 4, 2], [1, 1, 1], [0, 3], [2, 0, 3]] {
      var random = SeededRandom(40)
      let x = random.tensor(shape)
      for axis in shape.indices {
        let size = shape[axis]
        for range in [0..<size, 0..<size / 2, size / 2..<size, size / 3..<size / 3] {
          let places = Self.places(shape, axis, range)
          checkOp([x]) {
            let result = $0[0].sliced(axis: axis, range)
            XCTAssertEqual(result.shape[axis], range.count)
            return result
          } reference: { values in
            places.map { values[0][$0] }
          }
        }
      }
    }
  }

  func testViewsShareMemory() {
    var random = SeededRandom(41)
    let x = random.tensor([4, 6])
    XCTAssert(x.columns(1..<3).storage === x.storage)
    XCTAssert(x.prefixAxis(1..<3).storage === x.storage)
    XCTAssertFalse(x.columns(1..<3).isContiguous)
    XCTAssert(x.prefixAxis(1..<3).isContiguous)
    let both = x.columns(1..<4).prefixAxis(2..<4).columns(1..<2)
    XCTAssertEqual(both.array, [x.array[14], x.array[20]])
  }

  func testOverlappingPartsAddUp() {
    let x = Parameter(Tensor(zeros: [2, 3]))
    let parts = x.tensor
    (parts.columns(0..<2).sum() + parts.columns(1..<3).sum() * 10 + parts.prefixAxis(1..<2).sum()
      * 100)
      .backward()
    XCTAssertEqual(x.gradient?.array, [1, 11, 10, 101, 111, 110])
  }

  private static func places(_ shape: [Int], _ axis: Int, _ range: Range<Int>) -> [Int] {
    let inner = shape[(axis + 1)...].reduce(1, *)
    return (0..<shape.reduce(1, *)).filter {
      range.contains($0 / max(1, inner) % max(1, shape[axis]))
    }
  }
}
