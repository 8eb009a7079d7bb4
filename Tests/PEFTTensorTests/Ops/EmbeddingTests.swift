import PEFTTensor
import PEFTTestSupport
import XCTest

final class EmbeddingTests: XCTestCase {
  func testAwkwardShapes() {
    var random = SeededRandom(13)
    for (vocabulary, width) in [(1, 1), (5, 3), (7, 1), (2, 33)] {
      for shape in [[1], [4], [2, 3], [0], [2, 0], [1, 20]] {
        let ids = random.indices(shape, below: vocabulary)
        checkOp([random.tensor([vocabulary, width])], length: ids.count) {
          let result = $0[0].rows(at: ids)
          XCTAssertEqual(result.shape, shape + [width])
          return result
        } reference: { values in
          ids.values.flatMap { values[0][Int($0) * width..<(Int($0) + 1) * width] }
        }
      }
    }
  }

  func testRepeatedIdsAddUp() {
    let table = Parameter(Tensor(zeros: [3, 2]))
    table.tensor.rows(at: Indices([1, 1, 2, 1])).sum().backward()
    XCTAssertEqual(table.gradient?.array, [0, 0, 3, 3, 1, 1])
  }

  func testManyRows() {
    var random = SeededRandom(14)
    let table = random.tensor([50, 64])
    let ids = random.indices([600], below: 50)
    let values = table.array
    XCTAssertEqual(
      table.rows(at: ids).array, ids.values.flatMap { values[Int($0) * 64..<(Int($0) + 1) * 64] })
  }

  func testATableThatIsAViewOfAVector() {
    let vector = Parameter(Tensor([1, 2, 3, 4]))
    let rows = vector.tensor.reshaped([4, 1]).rows(at: Indices([3, 1, 3]))
    rows.backward(gradient: Tensor([1, 2, 4], shape: [3, 1]))
    XCTAssertEqual(vector.gradient?.array, [0, 2, 0, 5])
  }
}
