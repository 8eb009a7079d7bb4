import Foundation
import PEFTImages
import PEFTJSON
import PEFTTestSupport
import PEFTTraining
import XCTest

final class ImageFolderTests: XCTestCase {
  private let folder = Files.fixture("Images").path

  // Pillow's pixels are in the fixture. A lossless picture has the same; decoders of JPEG may differ in rounding.
  func testPicturesAreWhatPillowDecodes() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/pixels.json"))
    let pictures = try XCTUnwrap(try JSON(parsing: Array(data))["pictures"]?.members)
    XCTAssertEqual(pictures.count, 4)
    for picture in pictures {
      let image = try ImageFile.read("\(folder)/\(picture.name)")
      XCTAssertEqual(image.width, picture.value["width"]?.integer)
      XCTAssertEqual(image.height, picture.value["height"]?.integer)
      let pixels = try XCTUnwrap(picture.value["pixels"]?.elements).compactMap(\.integer)
      let allowed = picture.name.hasSuffix("png") ? 0 : 2
      XCTAssertEqual(pixels.count, image.pixels.count)
      let largest = zip(pixels, image.pixels).map { abs($0 - Int($1)) }.max()
      XCTAssertLessThanOrEqual(try XCTUnwrap(largest), allowed, picture.name)
    }
  }

  func testFoldersAreClasses() throws {
    try Files.withTemporaryFolder { copy in
      for name in ["cats", "dogs"] {
        try FileManager.default.copyItem(
          atPath: "\(folder)/\(name)", toPath: copy.appendingPathComponent(name).path)
      }
      try Data().write(to: copy.appendingPathComponent("cats/notes.txt"))
      let source = try ImageFolder(path: copy.path, channels: 1)
      XCTAssertEqual(source.labels, ["cats", "dogs"])
      XCTAssertEqual(source.count, 5)
      XCTAssertEqual(try (0..<5).map { try source.image(at: $0).label }, [0, 0, 1, 1, 1])
      XCTAssertEqual(try source.image(at: 2).channels, 1)
      XCTAssertTrue(source.path(at: 4).hasSuffix("dogs/e.jpeg"))
    }
  }

  func testWhatIsNoPictureIsAnError() throws {
    for name in ["cut.png", "cut.jpg", "text.png", "none.png"] {
      let path = "\(folder)/broken/\(name)"
      XCTAssertThrowsError(try ImageFile.read(path)) { error in
        guard case DataError.unreadable(path, let reason) = error else {
          return XCTFail("\(error)")
        }
        XCTAssertFalse(reason.isEmpty)
      }
    }
    XCTAssertThrowsError(try ImageFolder(path: "\(folder)/cats"))
    XCTAssertThrowsError(try ImageFolder(path: "\(folder)/none"))
  }
}
