import Foundation
import PEFTTensor
import PEFTTestSupport
import XCTest

final class SoftmaxTests: XCTestCase {
  func testAwkwardShapes() {
    var random = SeededRandom(12)
    for shape in [[1], [7], [3, 1], [1, 9], [2, 3, 17], [0, 4], [5, 64]] {
      let columns = shape[shape.count - 1]
      checkOp([random.tensor(shape, in: -5...5)], length: columns) {
        $0[0].softmax()
      } reference: { values in
        stride(from: 0, to: values[0].count, by: columns).flatMap { start -> [Double] in
          let row = values[0][start..<start + columns].map { exp($0) }
          let total = row.reduce(0, +)
          return row.map { $0 / total }
        }
      }
    }
  }

  func testLargeAndInfiniteElements() {
    expectClose(Tensor([1e30, 1e30, 0]).softmax().array, [0.5, 0.5, 0], relative: 1e-6)
    expectClose(Tensor([-1e30, -.infinity, -1e30]).softmax().array, [0.5, 0, 0.5], relative: 1e-6)
    XCTAssert(Tensor([1, .nan, 2]).softmax().array.allSatisfy(\.isNaN))
  }
}
