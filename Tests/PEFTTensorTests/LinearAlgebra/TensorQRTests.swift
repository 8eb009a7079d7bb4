import PEFTTensor
import PEFTTestSupport
import XCTest

final class TensorQRTests: XCTestCase {
  func testReconstructsMatricesOfAnyShape() throws {
    var random = SeededRandom(3)
    for (m, n) in [(1, 1), (1, 6), (6, 1), (5, 5), (31, 9), (9, 31), (70, 40)] {
      try check(random.tensor([m, n]))
    }
    try check(random.tensor([9, 12]).columns(2..<9))
    try check(random.tensor([10, 2]).matrixProduct(random.tensor([2, 8])))
    try check(hilbert(9))
  }

  func testClosedForm() throws {
    // Columns (3, 4) and (0, 5): |R| has 5 and the projection 4 in the first row, and the determinant 15 over 5.
    let (_, r) = try Tensor([3, 0, 4, 5], shape: [2, 2]).qr()
    expectClose(r.array.map(abs), [5, 4, 0, 3], absolute: 1e-6)
  }

  func testEmptyMatrices() throws {
    let none = try Tensor(zeros: [0, 4]).qr()
    XCTAssertEqual([none.q.shape, none.r.shape], [[0, 0], [0, 4]])
    let narrow = try Tensor(zeros: [4, 0]).qr()
    XCTAssertEqual([narrow.q.shape, narrow.r.shape], [[4, 0], [0, 0]])
  }

  func testRefusesWhatIsNotFinite() {
    XCTAssertThrowsError(try Tensor([1, .infinity], shape: [2, 1]).qr()) { error in
      XCTAssertEqual(error as? LinearAlgebraError, .nonFinite(operation: "qr", shape: [2, 1]))
    }
  }

  private func check(_ a: Tensor, file: StaticString = #filePath, line: UInt = #line) throws {
    let (q, r) = try a.qr()
    let k = min(a.shape[0], a.shape[1])
    XCTAssertEqual(
      [q.shape, r.shape], [[a.shape[0], k], [k, a.shape[1]]], file: file, line: line)
    let size = Double(max(a.shape[0], a.shape[1]))
    let tolerance = 8 * Double(Float.ulpOfOne) * size.squareRoot()
    let (left, right) = (DoubleMatrix(q), DoubleMatrix(r))
    expectClose(
      a.array, (left * right).values, absolute: tolerance * DoubleMatrix(a).norm,
      "reconstruction", file: file, line: line)
    expectIdentity(left.transposed * left, tolerance, file: file, line: line)
    for row in 0..<k {
      for column in 0..<min(row, right.columns) {
        XCTAssertEqual(right[row, column], 0, "below the diagonal", file: file, line: line)
      }
    }
  }
}
