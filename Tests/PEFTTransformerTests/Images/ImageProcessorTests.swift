import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// What Transformers makes of pictures with Pillow; see `make_images.py`.
final class ImageProcessorTests: XCTestCase {
  private static let cases = [
    "smaller", "larger", "same", "one-side", "one-pixel", "grey", "plain", "bytes", "nearest",
    "lanczos", "bicubic", "box", "hamming", "columns-first", "rows-first",
  ]

  private func image(_ name: String, _ file: SafetensorsFile) throws -> ImagePixels {
    let stored = try file.indices("\(name).image")
    return ImagePixels(
      stored.values.map { UInt8($0) }, height: stored.shape[0], width: stored.shape[1],
      channels: stored.shape[2])
  }

  private func expected() throws -> SafetensorsFile {
    try SafetensorsFile(path: Files.fixture("Images/expected.safetensors").path)
  }

  func testNumbersAreThoseOfTransformersToTheBit() throws {
    let file = try expected()
    for name in Self.cases {
      let processor = try ImageProcessor(directory: Files.fixture("Images/\(name)").path)
      let image = try image(name, file)
      let batch = try processor([image, image])
      let pixels = try file.tensor("\(name).pixels")
      XCTAssertEqual(batch.shape, [2] + pixels.shape, name)
      XCTAssertTrue(batch.values == pixels.array + pixels.array, "\(name): other bits")
    }
  }

  /// PyTorch, and so the processor with torchvision, rounds once where Pillow does twice.
  func testBytesAreThoseOfPyTorchButForOne() throws {
    let file = try expected()
    var names = 0
    for name in Self.cases where file["\(name).torch"] != nil {
      let stored = try file.indices("\(name).torch")
      var processor = try ImageProcessor(directory: Files.fixture("Images/\(name)").path)
      (processor.factor, processor.normalization) = (nil, nil)
      let batch = try processor([try image(name, file)])
      expectClose(batch.values, stored.values.map(Double.init), absolute: 1, name)
      names += 1
    }
    XCTAssertEqual(names, 7)
  }

  func testSettingsAreTheSameAfterSaving() throws {
    for name in Self.cases {
      let processor = try ImageProcessor(directory: Files.fixture("Images/\(name)").path)
      try Files.withTemporaryFolder { folder in
        try processor.save(to: folder.path)
        XCTAssertEqual(try ImageProcessor(directory: folder.path), processor, name)
      }
    }
  }

  func testShadesOfGreyAreTripledWhereThatIsAsked() throws {
    let grey = ImagePixels([10, 200], height: 1, width: 2, channels: 1)
    var processor = ImageProcessor(size: nil)
    expectError(ModelError.wrongImageChannels(row: 0, channels: 1, expected: 3)) {
      _ = try processor([grey])
    }
    processor.convertsToRGB = true
    let colours = ImagePixels([10, 10, 10, 200, 200, 200], height: 1, width: 2)
    XCTAssertEqual(try processor([grey]), try processor([colours]))
  }

  func testPicturesMustFitTogether() throws {
    let processor = ImageProcessor(size: nil)
    let (small, large) = (
      ImagePixels([1, 2, 3], height: 1, width: 1),
      ImagePixels([1, 2, 3, 4, 5, 6], height: 1, width: 2)
    )
    expectError(ModelError.noImages) { _ = try processor([]) }
    expectError(
      ModelError.wrongImageSize(row: 1, height: 1, width: 2, expected: [1, 1], interpolates: nil)
    ) { _ = try processor([small, large]) }
  }

  func testSettingsThatAreNotSupportedAreRefused() throws {
    for (fields, message) in [
      (#""do_center_crop": true"#, "only false is supported"),
      (#""size": {"shortest_edge": 224}"#, "height and width are supported"),
      (#""size": 0"#, "expected a number from 1 to 65535"),
      (#""resample": 9"#, "supported are 0 to 5, the numbers of Pillow"),
      (#""image_processor_type": "CLIPImageProcessor""#, "only ViTImageProcessor is supported"),
      (#""image_mean": [0.5, "x", 0.5]"#, "expected a number for each channel"),
      (#""image_std": [0.5, 0, 0.5]"#, "expected a number other than 0 for each of 3 means"),
      (#""sharpen": 2"#, "has fields that would be ignored: \"sharpen\""),
    ] {
      try Files.withTemporaryFolder { folder in
        try "{\(fields)}".write(
          to: folder.appendingPathComponent("preprocessor_config.json"), atomically: false,
          encoding: .utf8)
        XCTAssertThrowsError(try ImageProcessor(directory: folder.path), fields) {
          XCTAssertTrue("\($0)".contains(message), "\($0)")
        }
      }
    }
    // What the first versions wrote.
    try Files.withTemporaryFolder { folder in
      let text = #"{"feature_extractor_type": "ViTFeatureExtractor", "size": 32, "resample": 2}"#
      try text.write(
        to: folder.appendingPathComponent("preprocessor_config.json"), atomically: false,
        encoding: .utf8)
      XCTAssertEqual(
        try ImageProcessor(directory: folder.path),
        ImageProcessor(size: .init(height: 32, width: 32)))
    }
  }
}
