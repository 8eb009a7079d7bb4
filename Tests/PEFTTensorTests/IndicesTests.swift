import PEFTTensor
import XCTest

final class IndicesTests: XCTestCase {
  func testRowsArePaddedOnTheRight() {
    let indices = Indices(rows: [[1, 2, 3], [], [4]], padding: 9)
    XCTAssertEqual(indices.shape, [3, 3])
    XCTAssertEqual(indices.values, [1, 2, 3, 9, 9, 9, 4, 9, 9])
    XCTAssertEqual(Array(indices.row(2)), [4, 9, 9])
    XCTAssertEqual(indices.count, 9)
    XCTAssertEqual(Indices(rows: [], padding: 0).shape, [0, 0])
  }
}
