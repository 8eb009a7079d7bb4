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

  func testABlockServesSmallerRequestsOfNearbySizesOnly() {
    let pool = Pool()
    let block = pool.take(byteCount: 7 << 10)
    pool.give(block)
    let near = pool.take(byteCount: 5 << 10)
    XCTAssertEqual(near.address, block.address)
    XCTAssertEqual(pool.statistics.bytesInUse, 7 << 10)
    pool.give(near)
    let far = pool.take(byteCount: 1 << 10)
    XCTAssertNotEqual(far.address, block.address)
    pool.give(far)
    pool.trim()
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
