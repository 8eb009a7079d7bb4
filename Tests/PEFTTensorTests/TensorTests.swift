import PEFTTensor
import PEFTTestSupport
import XCTest

final class TensorTests: XCTestCase {
  func testInitialisers() {
    let matrix = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
    XCTAssertEqual([matrix.count, matrix.rows, matrix.columns], [6, 2, 3])
    XCTAssertEqual(matrix.array, [1, 2, 3, 4, 5, 6])
    XCTAssertEqual(Tensor(7).shape, [])
    XCTAssertEqual(Tensor(7).item, 7)
    XCTAssertEqual(Tensor([1, 2]).shape, [2])
    XCTAssertEqual(Tensor(repeating: 2, shape: [2, 2]).array, [2, 2, 2, 2])
    XCTAssertEqual(Tensor(zeros: [3]).array, [0, 0, 0])
    for shape in [[0], [0, 3], [3, 0], [2, 0, 3]] {
      XCTAssertEqual(Tensor(zeros: shape).array, [])
      XCTAssertEqual(Tensor([], shape: shape).count, 0)
    }
  }

  func testDescription() {
    XCTAssertEqual("\(Tensor([1, 2.5]))", "Tensor[2] [1.0, 2.5]")
    XCTAssertEqual(
      "\(Tensor(zeros: [3, 3]))", "Tensor[3, 3] [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ...]")
  }

  func testReshapedSharesMemoryWhereItCan() {
    let x = Tensor((0..<24).map { Float($0) }, shape: [2, 3, 4])
    XCTAssert(x.reshaped([4, 6]).storage === x.storage)
    let view = x.columns(1..<3)
    XCTAssert(view.reshaped([6, 2]).storage === x.storage)
    XCTAssert(view.matrix.storage === x.storage)
    XCTAssertFalse(view.reshaped([12]).storage === x.storage)
    XCTAssertEqual(view.reshaped([12]).array, view.array)
    XCTAssertEqual(view.array, [1, 2, 5, 6, 9, 10, 13, 14, 17, 18, 21, 22])
    XCTAssertEqual(Tensor(3).reshaped([1, 1]).shape, [1, 1])
    XCTAssertEqual(Tensor([3]).reshaped([]).item, 3)
  }

  func testContiguous() {
    let x = Tensor((0..<6).map { Float($0) }, shape: [2, 3])
    XCTAssert(x.contiguous.storage === x.storage)
    let row = x.columns(1..<3).prefixAxis(1..<2)
    XCTAssert(row.isContiguous)
    XCTAssert(row.contiguous.storage === x.storage)
    XCTAssertEqual(row.contiguous.array, [4, 5])
    XCTAssertFalse(x.columns(1..<3).contiguous.storage === x.storage)
    XCTAssertEqual(x.columns(1..<3).contiguous.array, [1, 2, 4, 5])
  }

  func testGradientsGoThroughViewsAndCopies() {
    var random = SeededRandom(7)
    checkOp([random.tensor([2, 3, 4])]) {
      $0[0].reshaped([3, 8])
    } reference: {
      $0[0]
    }
    checkOp([random.tensor([3, 4])]) {
      $0[0].contiguous.matrix.reshaped([12])
    } reference: {
      $0[0]
    }
  }
}
