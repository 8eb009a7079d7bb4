import PEFTTensor
import XCTest

final class TensorOverwritingTests: XCTestCase {
  func testEntriesFromAPlaceOnAreReplaced() {
    let memory = Tensor(zeros: [2, 4, 2])
    memory.overwrite(with: Tensor([1, 2, 3, 4, 5, 6, 7, 8], shape: [2, 2, 2]), at: 1)
    XCTAssertEqual(memory.array, [0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 8, 0, 0])
    let wide = Tensor([9, 1, 9, 9, 2, 9], shape: [2, 1, 3])
    memory.columns(1..<2).overwrite(with: wide.columns(1..<2), at: 3)
    XCTAssertEqual(memory.array, [0, 0, 1, 2, 3, 4, 0, 1, 0, 0, 5, 6, 7, 8, 0, 2])
    memory.overwrite(with: Tensor(zeros: [2, 0, 2]), at: 4)
    XCTAssertEqual(memory.array[15], 2)
  }
}
