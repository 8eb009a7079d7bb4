import PEFTTensor
import PEFTTestSupport
import XCTest

final class InsertionTests: XCTestCase {
  func testForwardAndGradients() {
    for (size, count, places) in [
      (5, 2, [0, 3]), (4, 1, [4]), (3, 3, [0, 0, 3]), (6, 2, [2, 2, 5, 6]), (0, 2, [0]),
      (4, 2, []), (3, 0, [1, 2]), (1, 1, [0, 1]),
    ] {
      var random = SeededRandom(31)
      let columns = 3
      checkOp([random.tensor([size, columns]), random.tensor([count, columns])]) {
        let result = $0[0].inserting($0[1], before: places)
        XCTAssertEqual(result.shape, [size + count * places.count, columns])
        return result
      } reference: { values in
        var result: [Double] = []
        for row in 0...size {
          for place in places where place == row { result += values[1] }
          if row < size { result += values[0][row * columns..<(row + 1) * columns] }
        }
        return result
      }
    }
  }
}
