import Foundation
import PEFTTensor
import PEFTTestSupport
import XCTest

final class TensorSymmetricEigenTests: XCTestCase {
  func testReconstructsMatricesOfAnySize() throws {
    var random = SeededRandom(4)
    for n in [1, 2, 5, 17, 48] {
      let a = random.tensor([n, n])
      try check(a + a.transposed)
    }
    let narrow = random.tensor([12, 3])
    try check(narrow.matrixProduct(narrow.transposed))
    try check(hilbert(10))
  }

  func testClosedForms() throws {
    let (values, vectors) = try Tensor([2, 1, 1, 2], shape: [2, 2]).symmetricEigen()
    expectClose(values.array, [1, 3], relative: 1e-6)
    expectClose(
      vectors.array.map(abs), [Double](repeating: 0.5.squareRoot(), count: 4), relative: 1e-6)
    XCTAssertLessThan(vectors.array[0] * vectors.array[2], 0)
    XCTAssertGreaterThan(vectors.array[1] * vectors.array[3], 0)
    // The second difference: 2 - 2 cos(k pi / (n + 1)).
    let n = 9
    var second = DoubleMatrix(rows: n, columns: n)
    for index in 0..<n {
      second[index, index] = 2
      if index > 0 { (second[index, index - 1], second[index - 1, index]) = (-1, -1) }
    }
    let matrix = Tensor(second.values.map(Float.init), shape: [n, n])
    expectClose(
      try matrix.symmetricEigen().values.array,
      (1...n).map { 2 - 2 * cos(Double($0) * .pi / Double(n + 1)) }, absolute: 2e-6)
  }

  func testReadsTheLowerTriangleAlone() throws {
    let (values, _) = try Tensor([2, 77, 1, 2], shape: [2, 2]).symmetricEigen()
    expectClose(values.array, [1, 3], relative: 1e-6)
  }

  func testEmptyAndNotFinite() throws {
    let none = try Tensor(zeros: [0, 0]).symmetricEigen()
    XCTAssertEqual([none.values.shape, none.vectors.shape], [[0], [0, 0]])
    XCTAssertThrowsError(try Tensor([-Float.nan], shape: [1, 1]).symmetricEigen()) { error in
      XCTAssertEqual(
        error as? LinearAlgebraError, .nonFinite(operation: "symmetricEigen", shape: [1, 1]))
    }
  }

  private func check(_ a: Tensor, file: StaticString = #filePath, line: UInt = #line) throws {
    let (values, vectors) = try a.symmetricEigen()
    let n = a.shape[0]
    let tolerance = 8 * Double(Float.ulpOfOne) * Double(n).squareRoot()
    let v = DoubleMatrix(vectors)
    var scaled = v
    let list = values.array
    for row in 0..<n { for column in 0..<n { scaled[row, column] *= Double(list[column]) } }
    expectClose(
      a.array, (scaled * v.transposed).values, absolute: tolerance * DoubleMatrix(a).norm,
      "reconstruction", file: file, line: line)
    expectIdentity(v.transposed * v, tolerance, file: file, line: line)
    XCTAssertEqual(list, list.sorted(), file: file, line: line)
  }
}
