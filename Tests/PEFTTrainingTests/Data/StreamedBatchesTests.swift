import Foundation
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class StreamedBatchesTests: XCTestCase {
  private typealias Stream = StreamedBatches<TrainingRow, TrainingExample>

  /// Rows of 1 to 9 tokens, of which the first is the number of the row.
  private static func row(_ place: Int) -> String {
    "\(place) " + String(repeating: "x ", count: place * 7 % 9)
  }

  private static func source(_ count: Int) -> GeneratedRecords {
    GeneratedRecords("rows") { place in
      place < count
        ? DataRecord(line: place + 1, fields: [.init("text", .text(row(place)))]) : nil
    }
  }

  /// Every word a token, a number as it is; rows of a single token have nothing to learn.
  private static let encoder = ExampleEncoder(end: nil, maximumLength: 20) { text, _ in
    text.split(separator: " ").map { Int32($0) ?? 9999 }
  }

  private func stream(
    _ source: any DataSource, _ size: StreamSettings.Size, buffer: Int = 1, seed: UInt64 = 0,
    badRows: BadRows = .fail
  ) throws -> Stream {
    try Stream(
      source, .init(size: size, shuffleBuffer: buffer, seed: seed, ahead: 2, badRows: badRows),
      encode: Self.encoder.encodedRow)
  }

  /// The first tokens of the rows of every batch.
  private func places(_ reader: any BatchReader<TokenBatch>) throws -> [[Int32]] {
    var places: [[Int32]] = []
    while let batch = try reader.next() {
      places.append((0..<batch.ids.shape[0]).map { batch.ids.row($0).first ?? -1 })
    }
    return places
  }

  func testTheOrderOfTheFileIsThatOfBatchesInMemory() throws {
    let data = try TrainingData(Self.source(50), encoder: Self.encoder)
    let memory = TokenBatches(data.examples, batchSize: 4)
    let stream = try stream(Self.source(50), .rows(4))
    XCTAssertEqual(stream.batchCount, memory.batchCount)
    XCTAssertEqual(stream.counts.skipped, data.skippedLines.count)
    let reader = stream.makeReader(at: DataCursor(epoch: 3))
    for batch in memory.epoch(0) { XCTAssertEqual(try reader.next(), batch) }
    XCTAssertNil(try reader.next())
  }

  func testEveryEpochHasEveryRowOnceInAnotherOrder() throws {
    let stream = try stream(Self.source(200), .rows(8), buffer: 50, seed: 1)
    let other = try self.stream(Self.source(200), .rows(8), buffer: 50, seed: 2)
    let epochs = try (0..<2).map { try places(stream.makeReader(at: DataCursor(epoch: $0))) }
    let expected = (0..<200).filter { $0 * 7 % 9 > 0 }.map(Int32.init)
    for epoch in epochs { XCTAssertEqual(epoch.flatMap { $0 }.sorted(), expected) }
    XCTAssertEqual(try places(stream.makeReader(at: DataCursor(epoch: 1))), epochs[1])
    let foreign = try places(other.makeReader(at: DataCursor(epoch: 0)))
    XCTAssertEqual(Set(epochs + [foreign]).count, 3)
    // No row comes earlier than the buffer allows.
    for (place, row) in epochs[0].flatMap({ $0 }).enumerated() {
      XCTAssertLessThan(Int(row), (place + 51) * 9 / 8 + 2)
    }
  }

  func testReadingGoesOnExactlyWhereACursorStood() throws {
    for size in [StreamSettings.Size.rows(5), .tokens(30)] {
      let stream = try stream(Self.source(120), size, buffer: 16, seed: 3)
      let whole = try places(stream.makeReader(at: DataCursor(epoch: 1)))
      XCTAssertEqual(whole.count, stream.batchCount)
      let reader = stream.makeReader(at: DataCursor(epoch: 1))
      for place in 0..<stream.batchCount {
        let cursor = reader.cursor
        XCTAssertEqual(cursor.batch, place)
        XCTAssertEqual(try places(stream.makeReader(at: cursor)), Array(whole[place...]))
        // A cursor of another file is good for the number of the batch alone.
        let foreign = DataCursor(
          epoch: 1, batch: place, stream: .init(rows: 1, tokens: 1, total: 1))
        XCTAssertEqual(try places(stream.makeReader(at: foreign)), Array(whole[place...]))
        XCTAssertNotNil(try reader.next())
      }
    }
  }

  func testBatchesOfTokensAreAsManyInEveryEpoch() throws {
    for budget in [1, 20, 64, 1000] {
      let stream = try stream(Self.source(300), .tokens(budget), buffer: 40)
      for epoch in 0..<4 {
        let reader = stream.makeReader(at: DataCursor(epoch: epoch))
        var (count, tokens) = (0, 0)
        while let batch = try reader.next() {
          XCTAssertGreaterThan(batch.tokenCount, 0)
          XCTAssertLessThanOrEqual(batch.tokenCount, 2 * max(budget, 9) + 9)
          (count, tokens) = (count + 1, tokens + batch.tokenCount)
        }
        XCTAssertEqual(count, stream.batchCount)
        XCTAssertEqual(tokens, stream.counts.tokens)
      }
    }
  }

  /// The number of rows that were asked for and not given on is what is in memory.
  func testMemoryDoesNotDependOnTheLengthOfTheFile() throws {
    final class Count: Sendable { let rows = Guarded(0) }
    let count = Count()
    let source = GeneratedRecords("rows") { place in
      count.rows.withLock { $0 += 1 }
      return place < 200_000
        ? DataRecord(line: place + 1, fields: [.init("text", .text("\(place) x"))]) : nil
    }
    let stream = try stream(source, .rows(10), buffer: 100)
    XCTAssertEqual(stream.counts.examples, 200_000)
    count.rows.withLock { $0 = 0 }
    let reader = stream.makeReader(at: DataCursor(epoch: 0))
    var given = 0
    while let batch = try reader.next() {
      given += batch.ids.shape[0]
      // The buffer, the batches made ahead, and the one that is being made.
      XCTAssertLessThanOrEqual(count.rows.withLock { $0 } - given, 100 + 3 * 10 + 1)
    }
    XCTAssertEqual(given, 200_000)
  }

  func testBadRowsAreAnErrorOrCounted() throws {
    let bad = GeneratedRecords("rows") { place in
      place < 20
        ? DataRecord(line: place + 1, fields: [.init(place == 6 ? "txt" : "text", .text("1 2"))])
        : nil
    }
    XCTAssertThrowsError(try stream(bad, .rows(4))) { error in
      guard case DataError.invalidRow("rows", 7, _, "members \"txt\"") = error else {
        return XCTFail("\(error)")
      }
    }
    let stream = try stream(bad, .rows(4), badRows: .skip)
    XCTAssertEqual(stream.counts.examples, 19)
    XCTAssertEqual(stream.counts.bad, 1)
    XCTAssertEqual(stream.counts.firstBad?.hasPrefix("rows:7: "), true)
    XCTAssertEqual(try places(stream.makeReader(at: DataCursor(epoch: 0))).count, 5)
    XCTAssertEqual(try places(stream.makeReader(at: DataCursor(epoch: 0, batch: 4))).count, 1)
  }

  func testAFileThatBecameShorterIsAnError() throws {
    // The first pass counts fifty rows; later ones find twenty.
    let passes = Guarded(0)
    let shrinking = GeneratedRecords("rows") { place in
      if place == 0 { passes.withLock { $0 += 1 } }
      let count = passes.withLock { $0 } == 1 ? 50 : 20
      return place < count
        ? DataRecord(line: place + 1, fields: [.init("text", .text("1 2"))]) : nil
    }
    let shorter = try stream(shrinking, .rows(4))
    XCTAssertThrowsError(try places(shorter.makeReader(at: DataCursor(epoch: 0)))) {
      XCTAssertEqual(
        $0 as? DataError,
        .unreadable(path: "rows", reason: "it has fewer rows than when it was counted"))
    }
  }

  func testTrainingOnAStreamIsTrainingOnTheSameBatchesInMemory() throws {
    let encoder = ExampleEncoder(end: nil, maximumLength: 20) { text, _ in
      text.split(separator: " ").map { (Int32($0) ?? 7) % Int32(TinyModel.vocabulary) }
    }
    let stream = try Stream(
      Self.source(40), .init(size: .rows(4), shuffleBuffer: 8, seed: 5), encode: encoder.encodedRow)
    var batches: [TokenBatch] = []
    let reader = stream.makeReader(at: DataCursor(epoch: 0))
    while let batch = try reader.next() { batches.append(batch) }
    func losses(_ source: some BatchSource<TokenBatch>) throws -> [Double] {
      let model = try TinyModel.make()
      let trainer = Trainer(
        model, optimizer: AdamW(model.parameters(.trainable), learningRate: 1e-3),
        settings: TrainerSettings(duration: .epochs(1), accumulation: 2))
      var losses: [Double] = []
      try trainer.run(source) { event in
        if case .step(let step) = event {
          losses.append(step.loss)
          XCTAssertGreaterThanOrEqual(step.dataSeconds, 0)
        }
        return true
      }
      return losses
    }
    XCTAssertEqual(try losses(stream), try losses(batches))
  }
}
