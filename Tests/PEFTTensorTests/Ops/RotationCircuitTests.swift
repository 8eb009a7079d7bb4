import Foundation
import PEFTTensor
import PEFTTestSupport
import XCTest

final class RotationCircuitTests: XCTestCase {
  /// The matrix of a circuit on `2^q` coordinates, from Kronecker products of small matrices in double precision.
  private func matrix(_ qubits: Int, layers: Int, _ angles: [Double]) -> DoubleMatrix {
    let size = 1 << qubits
    var rest = angles[...]
    var result = DoubleMatrix.identity(size)
    func turn(_ qubit: Int) {
      let angle = rest.removeFirst()
      let small = DoubleMatrix(
        [cos(angle / 2), -sin(angle / 2), sin(angle / 2), cos(angle / 2)], rows: 2, columns: 2)
      let (left, right) = (
        DoubleMatrix.identity(1 << qubit), DoubleMatrix.identity(size >> (qubit + 1))
      )
      result = kronecker(kronecker(left, small), right) * result
    }
    for qubit in 0..<qubits { turn(qubit) }
    for _ in 0..<layers {
      for first in [0, 1] {
        for qubit in stride(from: first, to: qubits - 1, by: 2) {
          var flip = DoubleMatrix.identity(4)
          flip[3, 3] = -1
          let (left, right) = (
            DoubleMatrix.identity(1 << qubit), DoubleMatrix.identity(size >> (qubit + 2))
          )
          result = kronecker(kronecker(left, flip), right) * result
          turn(qubit)
          turn(qubit + 1)
        }
      }
    }
    return result
  }

  private func kronecker(_ a: DoubleMatrix, _ b: DoubleMatrix) -> DoubleMatrix {
    var result = DoubleMatrix(rows: a.rows * b.rows, columns: a.columns * b.columns)
    for row in 0..<result.rows {
      for column in 0..<result.columns {
        result[row, column] =
          a[row / b.rows, column / b.columns] * b[row % b.rows, column % b.columns]
      }
    }
    return result
  }

  /// The same for any width: a circuit on the leading coordinates, then one on the last.
  private func matrix(width: Int, layers: Int, _ angles: [Double]) -> DoubleMatrix {
    let qubits = Int.bitWidth - 1 - width.leadingZeroBitCount
    let size = 1 << qubits
    if size == width { return matrix(qubits, layers: layers, angles) }
    func placed(_ part: DoubleMatrix, at start: Int) -> DoubleMatrix {
      var result = DoubleMatrix.identity(width)
      for row in 0..<size {
        for column in 0..<size { result[start + row, start + column] = part[row, column] }
      }
      return result
    }
    let half = angles.count / 2
    return placed(matrix(qubits, layers: layers, Array(angles[half...])), at: width - size)
      * placed(matrix(qubits, layers: layers, Array(angles[..<half])), at: 0)
  }

  func testKnownMatrix() {
    let circuit = RotationCircuit(width: 4, layers: 1)
    let columns = Tensor([0.1, 0.2, 0.3, 0.4]).frame(of: circuit, count: 4).transposed.array
    expectClose(
      Array(columns[0..<4]), [0.935997094, -0.292582292, -0.195716516, -0.000296270],
      absolute: 1e-7)
    expectClose(
      Array(columns[12..<16]), [0.04904036, 0.09341421, 0.096381851, -0.989737019], absolute: 1e-7)
  }

  func testAgreesWithKroneckerProductsAndDifferences() {
    for (width, layers, count) in [
      (1, 2, 1), (2, 0, 2), (3, 1, 2), (4, 1, 4), (5, 2, 5), (8, 3, 3), (12, 1, 4), (16, 2, 0),
    ] {
      let circuit = RotationCircuit(width: width, layers: layers)
      var random = SeededRandom(7)
      checkOp([random.tensor([circuit.angleCount], in: -3...3)], samples: 12) {
        $0[0].frame(of: circuit, count: count)
      } reference: {
        let whole = self.matrix(width: width, layers: layers, $0[0]).transposed
        return Array(whole.values.prefix(count * width))
      }
    }
  }

  func testCounts() {
    for (width, layers, count) in [
      (1024, 1, 28), (1024, 2, 46), (4096, 1, 34), (2, 5, 1), (1, 3, 0), (768, 1, 50),
    ] {
      XCTAssertEqual(RotationCircuit(width: width, layers: layers).angleCount, count, "\(width)")
    }
  }

  func testOrthonormalForRandomAngles() {
    var random = SeededRandom(3)
    for (width, layers) in [(64, 1), (96, 2), (100, 3)] {
      let circuit = RotationCircuit(width: width, layers: layers)
      let frame = random.tensor([circuit.angleCount], in: -4...4).frame(of: circuit, count: 8)
      let rows = DoubleMatrix(frame)
      let products = (rows * rows.transposed).values
      for (product, expected) in zip(products, DoubleMatrix.identity(8).values) {
        XCTAssertEqual(product, expected, accuracy: 1e-6)
      }
    }
  }

  func testSolving() {
    var random = SeededRandom(5)
    for (size, columns) in [(1, 1), (3, 2), (6, 3)] {
      var matrix = random.floats(size * size)
      for place in 0..<size { matrix[place * (size + 1)] += 3 }
      checkOp(
        [Tensor(matrix, shape: [size, size]), random.tensor([size, columns])], length: size * size
      ) {
        $0[0].solving($0[1])
      } reference: {
        // Gauss and Jordan; the diagonal dominates.
        var (a, x) = ($0[0], $0[1])
        for pivot in 0..<size {
          for row in 0..<size where row != pivot {
            let factor = a[row * size + pivot] / a[pivot * (size + 1)]
            for column in 0..<size { a[row * size + column] -= factor * a[pivot * size + column] }
            for column in 0..<columns {
              x[row * columns + column] -= factor * x[pivot * columns + column]
            }
          }
        }
        return x.indices.map { x[$0] / a[$0 / columns * (size + 1)] }
      }
    }
    XCTAssert(Tensor(zeros: [2, 2]).solving(Tensor(zeros: [2, 1])).array.allSatisfy(\.isNaN))
  }
}
