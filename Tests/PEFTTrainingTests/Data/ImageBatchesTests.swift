import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class ImageBatchesTests: XCTestCase {
  private let processor: ImageProcessor = {
    var processor = ImageProcessor(size: nil)
    (processor.factor, processor.normalization) = (nil, nil)
    return processor
  }()

  /// The pictures of the labels of every batch of an epoch, each told by its only pixel.
  private func pixels(
    _ batches: ImageBatches, epoch: Int = 0, from batch: Int = 0
  ) throws -> [[Float]] {
    let reader = batches.makeReader(at: DataCursor(epoch: epoch, batch: batch))
    var result: [[Float]] = []
    while let next = try reader.next() {
      XCTAssertEqual(next.labels, next.pixels.values.map { $0 < 3 ? 1 : 0 })
      result.append(next.pixels.values)
    }
    XCTAssertEqual(reader.cursor.batch, batches.batchCount)
    return result
  }

  func testOrderIsThatOfTheSeedAndClassesThoseOfTheModel() throws {
    let plain = try ImageBatches(Shades(), processor, labels: ["light", "dark"], batchSize: 2)
    XCTAssertEqual(plain.batchCount, 3)
    XCTAssertEqual(try pixels(plain), [[0, 1], [2, 3], [4]])
    XCTAssertEqual(try pixels(plain, from: 2), [[4]])
    let mixed = try ImageBatches(
      Shades(), processor, labels: ["light", "dark"], batchSize: 2, order: .shuffled(seed: 3))
    let epochs = try (0..<3).map { try pixels(mixed, epoch: $0) }
    XCTAssertEqual(Set(epochs).count, 3)
    for (number, epoch) in epochs.enumerated() {
      XCTAssertEqual(epoch.flatMap { $0 }.sorted(), [0, 1, 2, 3, 4])
      XCTAssertEqual(try pixels(mixed, epoch: number, from: 1), Array(epoch[1...]))
    }
  }

  func testBadPicturesAreNamedOrCounted() throws {
    let source = Shades(bad: [3])
    let strict = try ImageBatches(source, processor, labels: ["light", "dark"], batchSize: 4)
    XCTAssertThrowsError(try pixels(strict)) {
      XCTAssertEqual("\($0)", "shades/3: cannot be read: torn")
    }
    let lenient = try ImageBatches(
      source, processor, labels: ["light", "dark"], batchSize: 4, badImages: .skip)
    XCTAssertEqual(lenient.badCount, 1)
    XCTAssertEqual("\(try XCTUnwrap(lenient.firstBad))", "shades/3: cannot be read: torn")
    XCTAssertEqual(try pixels(lenient), [[0, 1, 2, 4]])
  }

  func testWhatDoesNotFitIsAnError() throws {
    XCTAssertThrowsError(
      try ImageBatches(Shades(), processor, labels: ["light", "grey"], batchSize: 2)
    ) {
      XCTAssertEqual(
        "\($0)", "shades: cannot be read: its class \"dark\" is none of light, grey")
    }
    XCTAssertThrowsError(
      try ImageBatches(Shades(bad: Array(0..<5)), processor, batchSize: 2, badImages: .skip))
    var coloured = processor
    coloured.normalization = .init(mean: [0, 0, 0], deviation: [1, 1, 1])
    let reader = try ImageBatches(Shades(), coloured, batchSize: 2).makeReader(at: DataCursor())
    XCTAssertThrowsError(try reader.next()) {
      XCTAssertTrue("\($0)".hasPrefix("shades/0: cannot be read: "), "\($0)")
    }
  }
}

/// Five pictures of one pixel, the first three of them dark.
private struct Shades: ImageSource {
  var bad: [Int] = []
  var labels: [String] { ["dark", "light"] }
  var count: Int { 5 }
  var path: String { "shades" }

  func path(at place: Int) -> String { "\(path)/\(place)" }

  func image(at place: Int) throws(DataError) -> LabelledImage {
    if bad.contains(place) { throw .unreadable(path: path(at: place), reason: "torn") }
    return LabelledImage(
      pixels: [UInt8(place)], height: 1, width: 1, channels: 1, label: place < 3 ? 0 : 1)
  }
}
