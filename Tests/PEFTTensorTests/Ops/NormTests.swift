import PEFTTensor
import PEFTTestSupport
import XCTest

final class NormTests: XCTestCase {
  private let shapes = [[1, 2], [3, 5], [7], [2, 3, 33], [0, 4], [1, 64], [40, 3]]

  func testLayerNorm() {
    for hasBias in [true, false] {
      for shape in shapes {
        let (inputs, d) = operands(shape, hasBias: hasBias)
        checkOp(inputs, length: max(d, inputs[0].rows), ulps: 16) {
          $0[0].layerNorm(weight: $0[1], bias: hasBias ? $0[2] : nil, epsilon: 1e-3)
        } reference: { values in
          Self.rows(values[0], d).flatMap { row in
            let mean = row.reduce(0, +) / Double(d)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(d)
            return (0..<d).map {
              (row[$0] - mean) / (variance + Double(Float(1e-3))).squareRoot() * values[1][$0]
                + (hasBias ? values[2][$0] : 0)
            }
          }
        }
      }
    }
  }

  func testRMSNorm() {
    for shape in shapes + [[4, 1], [1, 1]] {
      let (inputs, d) = operands(shape, hasBias: false)
      checkOp(inputs, length: max(d, inputs[0].rows), ulps: 16) {
        $0[0].rmsNorm(weight: $0[1], epsilon: 1e-3)
      } reference: { values in
        Self.rows(values[0], d).flatMap { row in
          let square = row.reduce(0) { $0 + $1 * $1 } / Double(d)
          return (0..<d).map {
            row[$0] / (square + Double(Float(1e-3))).squareRoot() * values[1][$0]
          }
        }
      }
    }
  }

  func testMeanFarFromZero() {
    // The variance of 1000 +- 1 is lost where it is computed as a difference of squares.
    let x = Tensor([999, 1001, 1001, 999], shape: [1, 4])
    let output = x.layerNorm(weight: Tensor(repeating: 1, shape: [4]), bias: nil, epsilon: 0)
    expectClose(output.array, [-1, 1, 1, -1], relative: 1e-6)
  }

  func testConstantRow() {
    let x = Parameter(Tensor(repeating: 3, shape: [2, 4]))
    let weight = Tensor(repeating: 2, shape: [4])
    let output = x.tensor.layerNorm(weight: weight, bias: nil, epsilon: 1e-5)
    XCTAssertEqual(output.array, [Float](repeating: 0, count: 8))
    output.backward(gradient: Tensor(repeating: 1, shape: [2, 4]))
    expectClose(x.gradient?.array ?? [], [Double](repeating: 0, count: 8), absolute: 1e-3)
  }

  func testRowsThatAreSharedByThreads() {
    var random = SeededRandom(11)
    let (rows, d) = (70, 512)
    let inputs = [random.tensor([rows, d]), random.tensor([d]), random.tensor([d])]
    checkOp(inputs, length: d, samples: 2) {
      $0[0].layerNorm(weight: $0[1], bias: $0[2], epsilon: 1e-5)
    } reference: { values in
      Self.rows(values[0], d).flatMap { row in
        let mean = row.reduce(0, +) / Double(d)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(d)
        let factor = 1 / (variance + 1e-5).squareRoot()
        return (0..<d).map { (row[$0] - mean) * factor * values[1][$0] + values[2][$0] }
      }
    }
  }

  private func operands(_ shape: [Int], hasBias: Bool) -> ([Tensor], Int) {
    var random = SeededRandom(UInt64(shape.count))
    let d = shape[shape.count - 1]
    let norm = [random.tensor(shape, in: -2...2), random.tensor([d], in: 0.5...2)]
    return (norm + (hasBias ? [random.tensor([d])] : []), d)
  }

  private static func rows(_ values: [Double], _ columns: Int) -> [[Double]] {
    stride(from: 0, to: values.count, by: columns).map { Array(values[$0..<$0 + columns]) }
  }
}
