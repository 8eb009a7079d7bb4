import PEFTTensor
import PEFTTestSupport
import XCTest

final class TensorSolveTests: XCTestCase {
  func testCholeskySolveHasASmallResidual() throws {
    var random = SeededRandom(5)
    for (n, k) in [(1, 1), (1, 4), (5, 1), (33, 7)] {
      let root = random.tensor([n, n + 3])
      let a = root.matrixProduct(root.transposed)
      let b = random.tensor([n, k])
      try checkResidual(a, b, try a.choleskySolve(b))
    }
    let wide = random.tensor([4, 9])
    let a = wide.matrixProduct(wide.transposed)
    try checkResidual(a, wide.columns(2..<5), try a.choleskySolve(wide.columns(2..<5)))
    let vector = random.tensor([4])
    XCTAssertEqual(try a.choleskySolve(vector).shape, [4])
    XCTAssertEqual(
      try a.choleskySolve(vector).array, try a.choleskySolve(vector.reshaped([4, 1])).array)
  }

  func testCholeskySolveClosedForm() throws {
    // The number above the diagonal is not read.
    let x = try Tensor([4, 99, 2, 3], shape: [2, 2]).choleskySolve(Tensor([2, 5]))
    expectClose(x.array, [-0.5, 2], absolute: 1e-6)
    XCTAssertEqual(try Tensor(zeros: [0, 0]).choleskySolve(Tensor(zeros: [0, 3])).shape, [0, 3])
  }

  func testCholeskySolveNamesTheMinorThatIsNotPositive() {
    let matrix = Tensor([4, 0, 0, 0, 1, 2, 0, 2, 1], shape: [3, 3])
    XCTAssertThrowsError(try matrix.choleskySolve(Tensor(zeros: [3]))) { error in
      XCTAssertEqual(
        error as? LinearAlgebraError,
        .notPositiveDefinite(operation: "choleskySolve", shape: [3, 3], leadingMinor: 3))
    }
    XCTAssertThrowsError(try Tensor([1], shape: [1, 1]).choleskySolve(Tensor([.nan]))) { error in
      XCTAssertEqual(
        error as? LinearAlgebraError, .nonFinite(operation: "choleskySolve", shape: [1]))
    }
  }

  func testLeastSquaresFulfilsTheNormalEquations() throws {
    var random = SeededRandom(6)
    for (m, n, k) in [(1, 1, 1), (9, 4, 2), (40, 17, 1), (1, 5, 1), (6, 6, 3), (30, 1, 1)] {
      let (a, b) = (random.tensor([m, n]), random.tensor([m, k]))
      let result = try a.leastSquares(b)
      XCTAssertEqual(result.rank, min(m, n))
      XCTAssertEqual(result.solution.shape, [n, k])
      let (matrix, x) = (DoubleMatrix(a), DoubleMatrix(result.solution))
      let fitted = matrix * x
      let residual = DoubleMatrix(
        zip(fitted.values, DoubleMatrix(b).values).map(-), rows: m, columns: k)
      let gradient = (matrix.transposed * residual).norm
      XCTAssertLessThan(
        gradient,
        16 * Double(Float.ulpOfOne) * matrix.norm * (matrix.norm * x.norm + DoubleMatrix(b).norm))
    }
  }

  func testLeastSquaresTakesTheShortestSolution() throws {
    // x + y = 2 in three equal equations.
    let a = Tensor(repeating: 1, shape: [3, 2])
    let result = try a.leastSquares(Tensor([2, 2, 2]))
    expectClose(result.solution.array, [1, 1], absolute: 1e-6)
    XCTAssertEqual(result.rank, 1)
    expectClose(result.singularValues.array, [Double(6).squareRoot(), 0], absolute: 1e-6)
    // More unknowns than equations: x = A^T (A A^T)^-1 b.
    let wide = try Tensor([1, 2, 2], shape: [1, 3]).leastSquares(Tensor([9]))
    expectClose(wide.solution.array, [1, 2, 2], absolute: 1e-6)
  }

  func testLeastSquaresCutsAtTheTolerance() throws {
    let a = Tensor([1, 0, 0, 1e-3], shape: [2, 2])
    XCTAssertEqual(try a.leastSquares(Tensor([1, 1])).rank, 2)
    let cut = try a.leastSquares(Tensor([1, 1]), tolerance: 0.01)
    XCTAssertEqual(cut.rank, 1)
    expectClose(cut.solution.array, [1, 0], absolute: 1e-6)
  }

  func testLeastSquaresOfEmptyMatrices() throws {
    let none = try Tensor(zeros: [0, 3]).leastSquares(Tensor(zeros: [0, 2]))
    XCTAssertEqual(none.solution.array, [Float](repeating: 0, count: 6))
    XCTAssertEqual(none.solution.shape, [3, 2])
    XCTAssertEqual(none.rank, 0)
    XCTAssertEqual(try Tensor(zeros: [3, 0]).leastSquares(Tensor(zeros: [3])).solution.shape, [0])
    XCTAssertThrowsError(
      try Tensor([.infinity], shape: [1, 1]).leastSquares(Tensor([1]))
    ) { error in
      XCTAssertEqual(
        error as? LinearAlgebraError, .nonFinite(operation: "leastSquares", shape: [1, 1]))
    }
  }

  private func checkResidual(
    _ a: Tensor, _ b: Tensor, _ x: Tensor, file: StaticString = #filePath, line: UInt = #line
  ) throws {
    let (matrix, solution) = (DoubleMatrix(a), DoubleMatrix(x))
    let scale = matrix.norm * solution.norm + DoubleMatrix(b).norm
    expectClose(
      b.array, (matrix * solution).values,
      absolute: 8 * Double(Float.ulpOfOne) * Double(a.columns).squareRoot() * scale, file: file,
      line: line)
  }
}
