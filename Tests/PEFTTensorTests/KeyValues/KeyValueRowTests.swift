import PEFTTensor
import PEFTTestSupport
import XCTest

final class KeyValueRowTests: XCTestCase {
  private let size = KeyValueBlock.Size(tokens: 4, heads: 3, width: 5)

  private func row(_ keys: Tensor, _ values: Tensor, pieces: [Int]) -> KeyValueRow {
    var (row, start) = (KeyValueRow(size), 0)
    for piece in pieces {
      row.append(
        keys: keys.prefixAxis(start..<start + piece),
        values: values.prefixAxis(start..<start + piece)
      )
      start += piece
    }
    return row
  }

  func testTokensComeBackHoweverTheyWereAdded() {
    var random = SeededRandom(1)
    let (keys, values) = (random.tensor([11, 15]), random.tensor([11, 15]))
    for pieces in [[11], [4, 4, 3], [1, 2, 3, 5], Array(repeating: 1, count: 11)] {
      let row = row(keys, values, pieces: pieces)
      XCTAssertEqual(row.length, 11)
      XCTAssertEqual(row.heldBlocks.count, 3)
      let all = row.numbers(0..<11)
      XCTAssertEqual(all.keys.array, keys.array)
      XCTAssertEqual(all.values.array, values.array)
      XCTAssertEqual(row.numbers(3..<9).values.array, values.prefixAxis(3..<9).array)
    }
  }

  func testCopiesShareBlocksUntilTheyAreWritten() {
    var random = SeededRandom(2)
    let (keys, values) = (random.tensor([6, 15]), random.tensor([6, 15]))
    let first = row(keys, values, pieces: [6])
    var (left, right) = (first, first)
    let (one, other) = (random.tensor([3, 15]), random.tensor([3, 15]))
    left.append(keys: one, values: one)
    right.append(keys: other, values: other)
    XCTAssertEqual(first.numbers(0..<6).keys.array, keys.array)
    XCTAssertEqual(left.numbers(0..<9).keys.array, keys.array + one.array)
    XCTAssertEqual(right.numbers(0..<9).values.array, values.array + other.array)
    let blocks = [first, left, right].flatMap(\.heldBlocks)
    XCTAssertEqual(Set(blocks.map(ObjectIdentifier.init)).count, 1 + 1 + 2 + 2)
    XCTAssert(left.heldBlocks[0] === right.heldBlocks[0])
  }

  func testBlocksBeforeATokenAreLetGo() {
    var random = SeededRandom(3)
    let keys = random.tensor([10, 15])
    var row = row(keys, keys, pieces: [10])
    row.drop(before: 3)
    XCTAssertEqual(row.start, 0)
    row.drop(before: 9)
    XCTAssertEqual([row.start, row.heldBlocks.count], [8, 1])
    XCTAssertEqual(row.numbers(8..<10).keys.array, keys.prefixAxis(8..<10).array)
    row.drop(before: 5)
    row.append(keys: keys, values: keys)
    XCTAssertEqual(
      row.numbers(8..<20).keys.array, keys.prefixAxis(8..<10).array + keys.array)
  }

  func testMemoryComesBack() {
    let before = Pool.shared.statistics.bytesInUse
    var random = SeededRandom(4)
    do {
      let keys = random.tensor([40, 15])
      var one = row(keys, keys, pieces: [40])
      let other = one
      one.encode(bits: 8, keeping: 4)
      XCTAssertGreaterThan(Pool.shared.statistics.bytesInUse, before)
      XCTAssertEqual(other.numbers(0..<40).keys.array, keys.array)
    }
    XCTAssertEqual(Pool.shared.statistics.bytesInUse, before)
  }

  func testFullBlocksBecomeCodesOnce() {
    var random = SeededRandom(5)
    let (keys, values) = (random.tensor([14, 15]), random.tensor([14, 15]))
    var row = row(keys, values, pieces: [14])
    row.encode(bits: 32, keeping: 0)
    XCTAssertEqual(row.heldBlocks.map(\.bits), [32, 32, 32, 32])
    row.encode(bits: 4, keeping: 5)
    XCTAssertEqual(row.heldBlocks.map(\.bits), [4, 4, 32, 32])
    let coded = row.numbers(0..<8)
    XCTAssertNotEqual(coded.keys.array, keys.prefixAxis(0..<8).array)
    // What is not old enough has its own bits, and what was coded is not rounded again.
    XCTAssertEqual(row.numbers(8..<14).keys.array, keys.prefixAxis(8..<14).array)
    let blocks = row.heldBlocks
    row.append(keys: keys, values: values)
    row.encode(bits: 4, keeping: 5)
    XCTAssertEqual(row.heldBlocks.map(\.bits), [4, 4, 4, 4, 4, 32, 32])
    XCTAssert(row.heldBlocks[0] === blocks[0] && row.heldBlocks[1] === blocks[1])
    XCTAssertEqual(row.numbers(0..<8).values.array, coded.values.array)
    row.drop(before: 8)
    row.append(keys: keys, values: values)
    row.encode(bits: 4, keeping: 0)
    XCTAssertEqual(row.heldBlocks.map(\.bits), Array(repeating: 4, count: 8) + [32])
  }
}
