import PEFTTensor
import PEFTTestSupport
import XCTest

final class PoolTests: XCTestCase {
  func testAFreedBlockIsUsedAgain() {
    let pool = Pool()
    let first = pool.take(byteCount: 1000)
    XCTAssertGreaterThanOrEqual(first.byteCount, 1000)
    XCTAssertEqual(Int(bitPattern: first.address) % 64, 0)
    pool.give(first)
    let again = pool.take(byteCount: 990)
    XCTAssertEqual(again.address, first.address)
    XCTAssertEqual(pool.statistics.misses, 1)
    let other = pool.take(byteCount: 1000)
    XCTAssertNotEqual(other.address, first.address)
    XCTAssertEqual(pool.statistics.misses, 2)
    pool.give(again)
    pool.give(other)
    pool.trim()
  }

  func testSizesWasteAtMostAQuarter() {
    let pool = Pool()
    for size in [
      0, 1, 63, 64, 65, 80, 81, 100, 127, 128, 129, 1_000, 4_097, 1 << 20, (1 << 20) + 1,
    ] {
      let block = pool.take(byteCount: size)
      XCTAssertGreaterThanOrEqual(block.byteCount, size)
      XCTAssertLessThanOrEqual(block.byteCount, max(64, size + size / 4 + 1))
      pool.give(block)
      pool.trim()
    }
  }

  func testABlockServesRequestsOfItsClassOnly() {
    let pool = Pool()
    let block = pool.take(byteCount: 7 << 10)
    pool.give(block)
    let near = pool.take(byteCount: (6 << 10) + 1)
    XCTAssertEqual(near.address, block.address)
    XCTAssertEqual(pool.statistics.bytesInUse, 7 << 10)
    pool.give(near)
    let far = pool.take(byteCount: 6 << 10)
    XCTAssertNotEqual(far.address, block.address)
    pool.give(far)
    pool.trim()
  }

  func testLargeBlocksTakeTheLowestPlaceThatFits() {
    let pool = Pool()
    let blocks = (0..<4).map { _ in pool.take(byteCount: 100_000) }
    XCTAssertEqual(Int(bitPattern: blocks[0].address) % 64, 0)
    XCTAssertEqual(pool.statistics.misses, 4)
    pool.give(blocks[0])
    pool.give(blocks[2])
    // Neither hole is large enough, both together with what lies between them are.
    let wide = pool.take(byteCount: 150_000)
    XCTAssertEqual(pool.statistics.misses, 5)
    XCTAssertGreaterThan(wide.address, blocks[3].address)
    pool.give(blocks[1])
    let again = pool.take(byteCount: 300_000)
    XCTAssertEqual(again.address, blocks[0].address)
    XCTAssertEqual(pool.statistics.misses, 5)
    for block in [wide, again, blocks[3]] { pool.give(block) }
    XCTAssertEqual(pool.statistics.bytesInUse, 0)
    XCTAssertEqual(pool.statistics.bytesFree, 4 * blocks[0].byteCount + wide.byteCount)
    pool.trim()
    XCTAssertEqual(pool.statistics.bytesFree, 0)
  }

  func testSizesAtTheBorderOfLargeAndSmall() {
    let pool = Pool()
    for size in [28_000, 28_673, 30_000, 32_767, 32_768, 32_769, 33_000] {
      let block = pool.take(byteCount: size)
      XCTAssertGreaterThanOrEqual(block.byteCount, size)
      pool.give(block)
      let again = pool.take(byteCount: size)
      XCTAssertEqual(again.address, block.address)
      pool.give(again)
    }
    XCTAssertEqual(pool.statistics.bytesInUse, 0)
  }

  func testBlocksOfManySizesNeverOverlapAndWasteLittle() {
    let pool = Pool()
    var random = SeededRandom(9)
    var held: [(block: Pool.Block, mark: UInt64)] = []
    for round in 0..<3000 {
      if held.count > 40 || !held.isEmpty && Bool.random(using: &random) {
        let (block, mark) = held.remove(at: Int.random(in: 0..<held.count, using: &random))
        XCTAssertEqual(block.address.load(as: UInt64.self), mark)
        XCTAssertEqual(
          block.address.load(fromByteOffset: block.byteCount - 8, as: UInt64.self), mark)
        pool.give(block)
      } else {
        let block = pool.take(byteCount: Int.random(in: 20_000...500_000, using: &random))
        let mark = UInt64(round)
        block.address.storeBytes(of: mark, as: UInt64.self)
        block.address.storeBytes(of: mark, toByteOffset: block.byteCount - 8, as: UInt64.self)
        held.append((block, mark))
      }
    }
    for (block, _) in held { pool.give(block) }
    let statistics = pool.statistics
    XCTAssertEqual(statistics.bytesInUse, 0)
    XCTAssertLessThan(Double(statistics.bytesFree), 1.5 * Double(statistics.peakBytesInUse))
  }

  func testStatistics() {
    let pool = Pool()
    let blocks = (0..<3).map { _ in pool.take(byteCount: 1 << 12) }
    XCTAssertEqual(pool.statistics.bytesInUse, 3 << 12)
    XCTAssertEqual(pool.statistics.peakBytesInUse, 3 << 12)
    blocks.forEach(pool.give)
    XCTAssertEqual(pool.statistics.bytesInUse, 0)
    XCTAssertEqual(pool.statistics.bytesFree, 3 << 12)
    XCTAssertEqual(pool.statistics.peakBytesInUse, 3 << 12)
    pool.resetPeak()
    XCTAssertEqual(pool.statistics.peakBytesInUse, 0)
    pool.trim()
    XCTAssertEqual(pool.statistics.bytesFree, 0)
    let block = pool.take(byteCount: 1 << 12)
    XCTAssertEqual(pool.statistics.misses, 4)
    pool.give(block)
    pool.trim()
  }

  func testRepeatedWorkTakesEveryBlockFromThePool() {
    for _ in 0..<2 { Self.step() }
    let misses = Pool.shared.statistics.misses
    for _ in 0..<5 { Self.step() }
    XCTAssertEqual(Pool.shared.statistics.misses, misses)
  }

  func testTensorsGiveTheirMemoryBack() {
    let before = Pool.shared.statistics.bytesInUse
    do {
      let tensor = Tensor(zeros: [100, 100])
      let view = tensor.columns(3..<9)
      XCTAssertGreaterThanOrEqual(Pool.shared.statistics.bytesInUse - before, 40_000)
      XCTAssertEqual(view.array.count, 600)
    }
    XCTAssertEqual(Pool.shared.statistics.bytesInUse, before)
  }

  private static func step() {
    var random = SeededRandom(5)
    let weight = Parameter(random.tensor([32, 48]))
    let branch = (Parameter(random.tensor([4, 48])), Parameter(random.tensor([32, 4])))
    for rows in [7, 20, 13] {
      let x = random.tensor([rows, 48])
      x.linear(
        weight: weight.tensor,
        branches: [
          LowRankBranch(
            a: branch.0.tensor, b: branch.1.tensor, scale: 1, dropout: 0.1, dropoutKey: 4)
        ]
      )
      .activated(.gelu).softmax()
      .crossEntropy(random.indices([rows], below: 32)).backward()
    }
  }
}
