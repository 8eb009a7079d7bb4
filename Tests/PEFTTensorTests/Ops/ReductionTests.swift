import Foundation
import PEFTTensor
import PEFTTestSupport
import XCTest

final class ReductionTests: XCTestCase {
  private let shapes = [[], [1], [7], [3, 1], [2, 3, 4], [1, 33], [0, 3], [3, 0]]

  func testSums() {
    for shape in shapes {
      var random = SeededRandom(30)
      let x = random.tensor(shape)
      checkOp([x], length: x.count) {
        $0[0].sum()
      } reference: {
        [$0[0].reduce(0, +)]
      }
      for axis in shape.indices {
        checkOp([x], length: x.count) {
          let result = $0[0].sum(axis: axis)
          var kept = shape
          kept.remove(at: axis)
          XCTAssertEqual(result.shape, kept)
          return result
        } reference: {
          Self.sum($0[0], shape, axis: axis)
        }
      }
    }
  }

  func testMeans() {
    for shape in shapes where !shape.contains(0) {
      var random = SeededRandom(31)
      let x = random.tensor(shape)
      let count = Double(x.count)
      checkOp([x], length: x.count) {
        $0[0].mean()
      } reference: {
        [$0[0].reduce(0, +) / count]
      }
      for axis in shape.indices {
        checkOp([x], length: x.count) {
          $0[0].mean(axis: axis)
        } reference: {
          Self.sum($0[0], shape, axis: axis).map { $0 / Double(shape[axis]) }
        }
      }
    }
    XCTAssert(Tensor(zeros: [0]).mean().item.isNaN)
  }

  func testMaximum() {
    for shape in [[1], [7], [3, 1], [2, 3, 4], [1, 33], [0, 3]] {
      var random = SeededRandom(32)
      let columns = shape[shape.count - 1]
      checkOp([random.tensor(shape)]) {
        let result = $0[0].maximum()
        XCTAssertEqual(result.shape, shape.dropLast())
        return result
      } reference: { values in
        stride(from: 0, to: values[0].count, by: columns).map {
          values[0][$0..<$0 + columns].max() ?? .nan
        }
      }
    }
  }

  func testMaximumOfEquals() {
    let x = Parameter(Tensor([1, 3, 3, 2, 2, 2], shape: [2, 3]))
    XCTAssertEqual(x.value.maximumPlaces(), [1, 0])
    x.tensor.maximum().sum().backward()
    XCTAssertEqual(x.gradient?.array, [0, 1, 0, 1, 0, 0])
    XCTAssertEqual(Tensor(zeros: [2, 0]).maximum().array, [-.infinity, -.infinity])
  }

  func testSumOfSquaresAndFiniteness() {
    var random = SeededRandom(33)
    let wide = random.tensor([5, 9])
    let view = wide.columns(2..<6)
    let expected = view.array.reduce(0.0) { $0 + Double($1) * Double($1) }
    XCTAssertEqual(view.sumOfSquares, expected, accuracy: 1e-12 * expected)
    // The squares of these overflow float32.
    XCTAssertEqual(Tensor([3e30, 4e30]).sumOfSquares.squareRoot(), 5e30, accuracy: 1e24)
    XCTAssertEqual(Tensor(zeros: [0]).sumOfSquares, 0)
    XCTAssert(view.isFinite)
    XCTAssertFalse(Tensor([0, .infinity]).isFinite)
    XCTAssertFalse(Tensor([Float](repeating: 0, count: 70) + [.nan]).isFinite)
    // What lies between the rows of a view does not count.
    XCTAssert(Tensor([1, .nan, 2, .nan], shape: [2, 2]).columns(0..<1).isFinite)
  }

  private static func sum(_ values: [Double], _ shape: [Int], axis: Int) -> [Double] {
    let inner = shape[(axis + 1)...].reduce(1, *)
    let size = shape[axis]
    var result = [Double](repeating: 0, count: shape[..<axis].reduce(1, *) * inner)
    for (index, value) in values.enumerated() {
      result[index / (size * inner) * inner + index % inner] += value
    }
    return result
  }
}
