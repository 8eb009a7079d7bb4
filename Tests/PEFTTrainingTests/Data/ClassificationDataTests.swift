import PEFTTensor
import PEFTTraining
import PEFTTransformer
import XCTest

final class ClassificationDataTests: XCTestCase {
  private func source(_ labels: [String]) -> GeneratedRecords {
    GeneratedRecords("rows") { place in
      place < labels.count
        ? DataRecord(
          line: place + 1,
          fields: [.init("text", .text("a")), .init("label", .text(labels[place]))]) : nil
    }
  }

  func testLabelsOfAFile() throws {
    XCTAssertEqual(
      try ClassificationData.labels(of: source(["10", "9", "10", "-1"])), ["-1", "9", "10"])
    XCTAssertEqual(
      try ClassificationData.labels(of: source(["b", "10", "B", "b"])), ["10", "B", "b"])
    XCTAssertEqual(try ClassificationData.labels(of: source([])), [])
  }

  func testTypesArePutIntoABatchOnlyWhereThereAreTwo() {
    let one = ClassificationExample(ids: [1, 2], label: 0)
    let pair = ClassificationExample(ids: [1, 2, 3], types: [0, 0, 1], label: 1)
    XCTAssertNil(ClassificationExample.batch([one, one], padding: 0).rows.types)
    let batch = ClassificationExample.batch([one, pair], padding: 0)
    XCTAssertEqual(batch.rows.types?.values, [0, 0, 0, 0, 0, 1])
    XCTAssertEqual(batch.labels, [0, 1])
    XCTAssertEqual(batch.tokenCount, 5)
  }
}
