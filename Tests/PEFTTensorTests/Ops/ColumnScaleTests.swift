import PEFTTensor
import PEFTTestSupport
import XCTest

final class ColumnScaleTests: XCTestCase {
  func testAgainstTheDefinition() {
    for shape in [[1, 2], [3, 5], [7], [2, 3, 33], [0, 4], [300, 70]] {
      for hasShift in [true, false] {
        var random = SeededRandom(UInt64(shape.count + (shape.last ?? 0)))
        let columns = shape.last ?? 1
        let operands = [
          random.tensor(shape), random.tensor([columns]), random.tensor([columns]),
        ].prefix(hasShift ? 3 : 2)
        checkOp(Array(operands), length: operands[0].rows) {
          $0[0].scaledColumns(by: $0[1], plus: hasShift ? $0[2] : nil)
        } reference: { values in
          values[0].indices.map {
            values[0][$0] * values[1][$0 % columns] + (hasShift ? values[2][$0 % columns] : 0)
          }
        }
      }
    }
  }

  func testNothingIsSavedForAFrozenFactor() {
    let x = Parameter(Tensor(zeros: [64, 256]))
    let factor = Tensor(repeating: 2, shape: [256])
    let before = Pool.shared.statistics.bytesInUse
    let y = (x.tensor + 1).scaledColumns(by: factor)
    // The result alone: the sum in between is gone.
    XCTAssertLessThanOrEqual(Pool.shared.statistics.bytesInUse - before, 64 * 256 * 4 + 64)
    y.sum().backward()
    XCTAssertEqual(x.gradient?.array, [Float](repeating: 2, count: 64 * 256))
  }
}
