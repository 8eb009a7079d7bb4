import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import XCTest

/// Writing, compared byte by byte with the reference implementation.
final class SafetensorsWritingTests: XCTestCase {
  private let fixture = Files.fixture("Checkpoints/every_dtype.safetensors")

  /// The tensors of the fixture through `Tensor` and `Indices`, in an order that is not the file's.
  private func items(of file: SafetensorsFile) throws -> [SafetensorsFile.Item] {
    try file.entries.reversed().map { entry in
      if entry.dtype == .float64 {
        return .init(
          entry.name, bytes: try file.bytes(entry.name), as: .float64, shape: entry.shape)
      }
      return entry.dtype.isReal
        ? .init(entry.name, try file.tensor(entry.name), as: entry.dtype)
        : .init(entry.name, try file.indices(entry.name), as: entry.dtype)
    }
  }

  func testBytesEqualTheReference() throws {
    try Files.withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("written.safetensors")
      let file = try SafetensorsFile(path: fixture.path)
      let items = try items(of: file)
      try SafetensorsFile.write(items, metadata: file.metadata, to: url.path)
      XCTAssertEqual(try Data(contentsOf: url), try Data(contentsOf: fixture))
      try SafetensorsFile.write(items.reversed(), metadata: file.metadata, to: url.path)
      XCTAssertEqual(try Data(contentsOf: url), try Data(contentsOf: fixture), "a second time")
      XCTAssertEqual(
        try FileManager.default.contentsOfDirectory(atPath: folder.path), ["written.safetensors"])
    }
  }

  func testNothingEqualsTheReference() throws {
    try Files.withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("nothing.safetensors")
      try SafetensorsFile.write([], to: url.path)
      XCTAssertEqual(
        try Data(contentsOf: url),
        try Data(contentsOf: Files.fixture("Checkpoints/nothing.safetensors")))
      XCTAssertEqual(try SafetensorsFile(path: url.path).names, [])
    }
  }
}
