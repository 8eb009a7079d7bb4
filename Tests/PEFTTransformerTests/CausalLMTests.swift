import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class CausalLMTests: XCTestCase {
  func testLogitsOfPaddedBatchesEqualTransformers() throws {
    for item in try ModelFixture.all() {
      let batch = try item.batch()
      expectLogits(
        item.model(batch.ids, keys: batch.keys), try item.tensor("right"), keys: batch.keys,
        "\(item.name) padded on the right")
      let (ids, keys) = item.leftPadded
      expectLogits(
        item.model(ids, keys: keys), try item.tensor("left"), keys: keys,
        "\(item.name) padded on the left")
      expectLogits(
        item.model(try item.indices("short_ids")), try item.tensor("short"), "\(item.name) short")
    }
  }

  func testARowAloneGivesWhatItGivesInABatch() throws {
    for item in try ModelFixture.all() where item.name != "llama-dynamic" {
      let batch = try item.batch()
      let together = item.model(batch.ids, keys: batch.keys)
      for (index, row) in item.rows.enumerated() {
        let alone = item.model(Indices(row, shape: [1, row.count]))
        expectClose(
          alone.entry(0),
          together.entry(index).matrix.rows(at: Indices((0..<Int32(row.count)).map { $0 })),
          absolute: 1e-5 * Double(largest(together)), "\(item.name) row \(index)")
      }
    }
  }

  func testPaddingPastTheLastPositionDoesNotMatter() throws {
    // 24 learned positions; the padded rows have 30 places.
    let item = try ModelFixture("gpt2")
    let row = item.rows[0]
    let wide = Indices(row + Array(repeating: 0, count: 30 - row.count), shape: [1, 30])
    let keys = [0..<row.count]
    XCTAssertNoThrow(try item.model.check(wide, keys: keys))
    let logits = item.model(wide, keys: keys)
    let narrow = item.model(Indices(row, shape: [1, row.count]))
    expectClose(
      logits.matrix.rows(at: Indices((0..<Int32(row.count)).map { $0 })), narrow.matrix,
      absolute: 1e-5 * Double(largest(narrow)))
  }

  func testARowWithoutTokensIsHarmless() throws {
    for name in ["gpt2", "llama", "mistral"] {
      let model = try ModelFixture(name).model
      let ids = Indices([1, 2, 3, 0, 0, 0], shape: [2, 3])
      let both = model(ids, keys: [0..<3, 0..<0])
      XCTAssertTrue(both.isFinite, name)
      expectClose(
        both.entry(0), model(Indices([1, 2, 3], shape: [1, 3])).entry(0),
        absolute: 1e-5 * Double(largest(both)))
    }
  }

  func testProbeOutputIsTheSameEveryTimeAndNeedsNoGradient() throws {
    for item in try ModelFixture.all() {
      item.model.unfreeze()
      let first = item.model.probeOutput()
      XCTAssertFalse(first.needsGradient)
      XCTAssertEqual(first.array, item.model.probeOutput().array, item.name)
      XCTAssertEqual(
        first.shape[1], min(16, item.model.configuration.maximumPositions), item.name)
    }
  }
}
