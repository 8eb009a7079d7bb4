import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class TokenBatchesTests: XCTestCase {
  /// Examples of lengths 2 to 9 whose first token is their place.
  private func examples(_ count: Int) -> [TrainingExample] {
    var random = SeededRandom(5)
    return (0..<count).map { place in
      let length = Int.random(in: 2...9, using: &random)
      return TrainingExample(ids: [Int32(place)] + Array(repeating: 7, count: length - 1))
    }
  }

  /// The first tokens of every batch.
  private func places(_ batches: some Collection<TokenBatch>) -> [[Int32]] {
    batches.map { batch in (0..<batch.ids.shape[0]).map { batch.ids.row($0).first ?? -1 } }
  }

  func testGivenOrder() {
    let batches = TokenBatches(examples(7), batchSize: 3)
    XCTAssertEqual(batches.batchCount, 3)
    for epoch in 0..<2 {
      XCTAssertEqual(places(batches.epoch(epoch)), [[0, 1, 2], [3, 4, 5], [6]])
    }
    let full = TokenBatches(examples(7), batchSize: 3, dropsLast: true)
    XCTAssertEqual(full.batchCount, 2)
    XCTAssertEqual(places(full.epoch(0)), [[0, 1, 2], [3, 4, 5]])
  }

  func testRowsArePaddedToTheLongest() {
    let examples = [
      TrainingExample(ids: [1, 2, 3], labels: [-100, 2, 3]), TrainingExample(ids: [4, 5]),
    ]
    let batch = TokenBatches(examples, batchSize: 2, padding: 9).epoch(0)[0]
    XCTAssertEqual(batch.ids.values, [1, 2, 3, 4, 5, 9])
    XCTAssertEqual(batch.labels.values, [-100, 2, 3, 4, 5, -100])
    XCTAssertEqual(batch.keys, [0..<3, 0..<2])
    XCTAssertEqual(batch.tokenCount, 5)
    XCTAssertEqual(batch.targetCount, 3)
  }

  func testShufflingDependsOnSeedAndEpochAlone() {
    func order(_ seed: UInt64, _ epoch: Int) -> [Int32] {
      places(TokenBatches(examples(40), batchSize: 4, order: .shuffled(seed: seed)).epoch(epoch))
        .flatMap { $0 }
    }
    XCTAssertEqual(order(1, 0).sorted(), Array(0..<40))
    XCTAssertEqual(order(1, 3), order(1, 3))
    XCTAssertEqual(Set([order(1, 0), order(1, 1), order(2, 0), order(2, 1)]).count, 4)
  }

  func testGroupedLengthsSavePadding() {
    let examples = examples(1000)
    func padding(_ batches: TokenBatches) -> Int {
      batches.epoch(0).reduce(0) { $0 + $1.ids.count - $1.tokenCount }
    }
    let plain = TokenBatches(examples, batchSize: 8, order: .shuffled(seed: 1))
    let grouped = TokenBatches(
      examples, batchSize: 8, order: .shuffled(seed: 1), groupsLengths: true)
    XCTAssertEqual(places(grouped.epoch(1)).flatMap { $0 }.sorted(), Array(0..<1000))
    XCTAssertLessThan(padding(grouped), padding(plain) / 10)
    let widths = grouped.epoch(0).map { $0.ids.shape[1] }
    XCTAssertNotEqual(widths, widths.sorted())
    let sorted = TokenBatches(examples, batchSize: 8, groupsLengths: true).epoch(0)
    XCTAssertEqual(sorted.map { $0.ids.shape[1] }, sorted.map { $0.ids.shape[1] }.sorted())
  }
}
