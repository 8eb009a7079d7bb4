import PEFTTensor
import PEFTTestSupport
import XCTest

final class TensorSVDTests: XCTestCase {
  func testReconstructsMatricesOfAnyShape() throws {
    var random = SeededRandom(1)
    for (m, n) in [(1, 1), (1, 7), (7, 1), (5, 5), (33, 9), (9, 33), (64, 48)] {
      try check(random.tensor([m, n]))
    }
    try check(random.tensor([12, 20]).columns(3..<14))
  }

  func testRankDeficientMatrixHasNegligibleValues() throws {
    var random = SeededRandom(2)
    let (a, b) = (random.tensor([20, 3]), random.tensor([3, 15]))
    let matrix = a.matrixProduct(b)
    let values = try matrix.svd().values.array
    XCTAssertGreaterThan(values[2], 0.1)
    for value in values[3...] { XCTAssertLessThan(value, values[0] * 20 * Float.ulpOfOne) }
    try check(matrix)
    try check(Tensor(zeros: [4, 3]))
  }

  func testHilbertMatrix() throws {
    let matrix = hilbert(8)
    try check(matrix)
    // The largest and the second singular value of the Hilbert matrix of order 8, known to many digits.
    let values = try matrix.svd().values.array
    expectClose(
      Array(values[..<2]), [1.695_938_996_921_948, 0.298_125_211_316_931_5], absolute: 1e-6)
  }

  func testClosedForms() throws {
    let diagonal = try Tensor([0, 0, 3, -5, 0, 0], shape: [2, 3]).svd()
    expectClose(diagonal.values.array, [5, 3], relative: 1e-6)
    // A^T A of [[4, 0], [3, -5]] has the eigenvalues 40 and 10.
    let known = try Tensor([4, 0, 3, -5], shape: [2, 2]).svd()
    expectClose(
      known.values.array, [Double(40).squareRoot(), Double(10).squareRoot()], relative: 1e-6)
  }

  func testEmptyMatrices() throws {
    let none = try Tensor(zeros: [0, 4]).svd()
    XCTAssertEqual([none.u.shape, none.values.shape, none.vt.shape], [[0, 0], [0], [0, 4]])
    let narrow = try Tensor(zeros: [4, 0]).svd()
    XCTAssertEqual(
      [narrow.u.shape, narrow.values.shape, narrow.vt.shape], [[4, 0], [0], [0, 0]])
  }

  func testRefusesWhatIsNotFinite() {
    let matrix = Tensor([1, .nan, 2, 3], shape: [2, 2])
    XCTAssertThrowsError(try matrix.svd()) { error in
      XCTAssertEqual(
        error as? LinearAlgebraError, .nonFinite(operation: "svd", shape: [2, 2]))
      XCTAssert("\(error)".contains("[2, 2]"), "\(error)")
    }
    XCTAssertThrowsError(try Tensor([.infinity], shape: [1, 1]).svd())
  }

  /// Reconstruction and orthogonality within the backward error of the algorithm, and the order of the values.
  private func check(_ a: Tensor, file: StaticString = #filePath, line: UInt = #line) throws {
    let before = a.array
    let svd = try a.svd()
    XCTAssertEqual(a.array, before, "the operand changed", file: file, line: line)
    let size = Double(max(a.shape[0], a.shape[1]))
    let tolerance = 8 * Double(Float.ulpOfOne) * size.squareRoot()
    let (u, vt) = (DoubleMatrix(svd.u), DoubleMatrix(svd.vt))
    let values = svd.values.array.map(Double.init)
    var scaled = u
    for row in 0..<u.rows { for column in 0..<u.columns { scaled[row, column] *= values[column] } }
    expectClose(
      a.array, (scaled * vt).values, absolute: tolerance * max(DoubleMatrix(a).norm, 1e-30),
      "reconstruction", file: file, line: line)
    expectIdentity(u.transposed * u, tolerance, file: file, line: line)
    expectIdentity(vt * vt.transposed, tolerance, file: file, line: line)
    for (larger, smaller) in zip(values, values.dropFirst()) {
      XCTAssertGreaterThanOrEqual(larger, smaller, file: file, line: line)
    }
    XCTAssert(values.allSatisfy { $0 >= 0 }, file: file, line: line)
  }
}

/// The Hilbert matrix, the standard example of one that is ill-conditioned.
func hilbert(_ size: Int) -> Tensor {
  Tensor(
    (0..<size * size).map { 1 / Float($0 / size + $0 % size + 1) }, shape: [size, size])
}

func expectIdentity(
  _ matrix: DoubleMatrix, _ tolerance: Double, file: StaticString = #filePath, line: UInt = #line
) {
  expectClose(
    matrix.values.map(Float.init), DoubleMatrix.identity(matrix.rows).values, absolute: tolerance,
    "orthogonality", file: file, line: line)
}
