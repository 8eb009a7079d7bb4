import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class ShardTests: XCTestCase {
  func testRowsOfOneCostAreSharedEvenly() {
    XCTAssertEqual(Shard.ranges(costs: [5, 5, 5, 5], ranks: 2), [0..<2, 2..<4])
    XCTAssertEqual(Shard.ranges(costs: [1, 1, 1], ranks: 3), [0..<1, 1..<2, 2..<3])
    XCTAssertEqual(Shard.ranges(costs: [7], ranks: 1), [0..<1])
  }

  func testLongRowsWeighMore() {
    XCTAssertEqual(Shard.ranges(costs: [10, 1, 1, 1, 1, 6], ranks: 2), [0..<1, 1..<6])
    XCTAssertEqual(Shard.ranges(costs: [1, 1, 1, 100], ranks: 2), [0..<3, 3..<4])
  }

  func testFewerRowsThanRanks() {
    let ranges = Shard.ranges(costs: [3, 3], ranks: 5)
    XCTAssertEqual(ranges.map(\.count).reduce(0, +), 2)
    XCTAssertEqual(ranges.filter { !$0.isEmpty }, [0..<1, 1..<2])
    XCTAssertEqual(Shard.ranges(costs: [], ranks: 3), [0..<0, 0..<0, 0..<0])
    XCTAssertEqual(Shard.ranges(costs: [0, 0], ranks: 2), [0..<1, 1..<2])
  }

  func testRangesCoverAllRowsInOrder() {
    var random = SeededRandom(5)
    for _ in 0..<200 {
      let costs = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        Int.random(in: 0...300, using: &random)
      }
      let ranks = Int.random(in: 1...12, using: &random)
      let ranges = Shard.ranges(costs: costs, ranks: ranks)
      XCTAssertEqual(ranges.count, ranks)
      XCTAssertEqual(ranges.flatMap { Array($0) }, Array(costs.indices))
      // No share is larger than an even one by more than the rows at its two ends.
      let (total, longest) = (costs.reduce(0) { $0 + max(1, $1) }, max(1, costs.max() ?? 1))
      for range in ranges {
        let share = costs[range].reduce(0) { $0 + max(1, $1) }
        XCTAssertLessThanOrEqual(share, total / ranks + longest + 1)
      }
    }
  }

  func testRowsOfBatches() {
    let tokens = TokenBatch(rows: [[1, 2, 3], [4, 5], [6]])
    XCTAssertEqual(tokens.rowTokenCounts, [3, 2, 1])
    XCTAssertEqual(tokens.rows(0..<3), tokens)
    let last = tokens.rows(1..<3)
    XCTAssertEqual(last.ids.values, [4, 5, 0, 6, 0, 0])
    XCTAssertEqual(last.keys, [0..<2, 0..<1])
    XCTAssertEqual(last.targetCount, 1)
    let classes = ClassificationBatch(
      TokenRows([[1, 2], [3]], types: [[0, 1], [1]]), labels: [7, 8])
    XCTAssertEqual(classes.rows(1..<2).labels, [8])
    XCTAssertEqual(classes.rows(1..<2).rows.types?.values, [1, 0])
    let labels = TokenLabelBatch([[1, 2], [3]], labels: [[9, 9], [4]])
    XCTAssertEqual(labels.rows(1..<2).labels.values, [4, TokenBatch.ignored])
    XCTAssertEqual(labels.rowTokenCounts, [2, 1])
    let pictures = ImageClassificationBatch(
      PixelBatch((0..<12).map(Float.init), shape: [3, 1, 2, 2]), labels: [4, 5, 6])
    XCTAssertEqual(pictures.rowTokenCounts, [1, 1, 1])
    XCTAssertEqual(
      pictures.rows(1..<3),
      ImageClassificationBatch(
        PixelBatch((4..<12).map(Float.init), shape: [2, 1, 2, 2]), labels: [5, 6]))
  }

  func testABatchThatCannotBeCutIsOneRow() {
    let batch = MeanModel.Points(values: [1, 2, 3])
    XCTAssertEqual(batch.rowTokenCounts, [3])
    XCTAssertEqual(batch.rows(0..<1).values, [1, 2, 3])
  }
}
