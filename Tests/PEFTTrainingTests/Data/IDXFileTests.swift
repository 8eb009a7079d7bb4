import Foundation
import PEFTTestSupport
import PEFTTraining
import XCTest

final class IDXFileTests: XCTestCase {
  private let images: [UInt8] =
    [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3] + Array(1...12)
  private let labels: [UInt8] = [0, 0, 8, 1, 0, 0, 0, 2, 4, 1]

  private func withFiles(
    _ images: [UInt8], _ labels: [UInt8], _ body: (String, String) throws -> Void
  ) throws {
    try Files.withTemporaryFolder { folder in
      let files = ["images", "labels"].map { folder.appendingPathComponent($0) }
      try Data(images).write(to: files[0])
      try Data(labels).write(to: files[1])
      try body(files[0].path, files[1].path)
    }
  }

  func testImagesAndClasses() throws {
    try withFiles(images, labels) { images, labels in
      let source = try IDXImages(images: images, labels: labels)
      XCTAssertEqual(source.count, 2)
      XCTAssertEqual(source.labels, ["0", "1", "2", "3", "4"])
      XCTAssertEqual(
        try source.image(at: 1),
        LabelledImage(pixels: Array(7...12), height: 2, width: 3, channels: 1, label: 1))
      XCTAssertEqual(try IDXFile(path: images).shape, [2, 2, 3])
    }
  }

  func testFaults() throws {
    for bad: [UInt8] in [
      [], [0, 0, 8], [0, 0, 8, 3, 0, 0, 0, 2], Array(images.dropLast()), images + [0],
      [0x1F, 0x8B, 8, 0], [1] + images.dropFirst(), [0, 0, 0x0D] + images.dropFirst(3),
      [0, 0, 8, 9] + images.dropFirst(4), [0, 0, 8, 0],
      [0, 0, 8, 4] + Array(repeating: 255, count: 16),
    ] {
      try withFiles(bad, labels) { images, labels in
        XCTAssertThrowsError(try IDXImages(images: images, labels: labels)) {
          XCTAssertTrue($0 is DataError, "\($0)")
        }
      }
    }
    try withFiles(images, [0, 0, 8, 1, 0, 0, 0, 1, 4]) { images, labels in
      XCTAssertThrowsError(try IDXImages(images: images, labels: labels))
    }
  }
}
