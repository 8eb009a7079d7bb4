import Foundation
import PEFTTensor
import PEFTTestSupport
import XCTest

final class RotaryTests: XCTestCase {
  func testAwkwardShapes() {
    // The shape, the width of a head, and how many of its elements turn.
    check([1, 2], width: 2, rotated: 2)
    check([3, 12], width: 4, rotated: 4)
    check([2, 3, 18], width: 6, rotated: 6)
    check([2, 3, 20], width: 10, rotated: 4)
    check([1, 7], width: 7, rotated: 6)
    check([0, 8], width: 4, rotated: 4)
    check([5, 64], width: 32, rotated: 32, factor: 1.25)
  }

  func testPositionZeroIsTheIdentityAndLengthsStay() {
    var random = SeededRandom(15)
    let x = random.tensor([2, 8])
    let table = RotaryTable(frequencies: [1, 0.1], positions: 900)
    XCTAssertEqual(table.positions, 900)
    XCTAssertEqual(
      x.rotated(headWidth: 4, table: table, positions: Indices([0, 0])).array, x.array)
    let turned = x.rotated(headWidth: 4, table: table, positions: Indices([899, 17]))
    XCTAssertEqual(turned.sumOfSquares, x.sumOfSquares, accuracy: 1e-6 * x.sumOfSquares)
  }

  func testRowsThatAreSharedByThreads() {
    var random = SeededRandom(16)
    let x = random.tensor([40, 512])
    let table = RotaryTable(
      frequencies: (0..<16).map { pow(10_000, -Double($0) / 16) }, positions: 40)
    let whole = x.rotated(headWidth: 32, table: table, positions: Indices((0..<40).map { $0 }))
    for row in [0, 13, 20, 39] {
      XCTAssertEqual(
        whole.leading(row..<row + 1).array,
        x.leading(row..<row + 1).rotated(
          headWidth: 32, table: table, positions: Indices([Int32(row)])
        ).array)
    }
  }

  private func check(
    _ shape: [Int], width: Int, rotated: Int, factor: Double = 1, file: StaticString = #filePath,
    line: UInt = #line
  ) {
    var random = SeededRandom(UInt64(width))
    let half = rotated / 2
    let frequencies = (0..<half).map { pow(100, -Double($0) / Double(half)) }
    let table = RotaryTable(frequencies: frequencies, positions: 11, factor: factor)
    let positions = random.indices(shape.dropLast() + [], below: 11)
    let columns = shape[shape.count - 1]
    checkOp([random.tensor(shape)], length: 2, file: file, line: line) {
      $0[0].rotated(headWidth: width, table: table, positions: positions)
    } reference: { values in
      var result = values[0]
      for (row, position) in positions.values.enumerated() {
        for head in 0..<columns / width {
          for pair in 0..<half {
            // PyTorch's angle is a float32.
            let angle = Double(Float(position) * Float(frequencies[pair]))
            let first = row * columns + head * width + pair
            let (a, b) = (values[0][first], values[0][first + half])
            result[first] = factor * (a * cos(angle) - b * sin(angle))
            result[first + half] = factor * (b * cos(angle) + a * sin(angle))
          }
        }
      }
      return result
    }
  }
}
