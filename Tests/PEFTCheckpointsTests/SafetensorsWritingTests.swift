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

  func testRealFilesAreWrittenAsTheyWere() throws {
    for name in ["stories260K-hf/model", "gpt2-lora-emotion/adapter_model"] {
      let original = try Files.shared("data/\(name).safetensors")
      let file = try SafetensorsFile(path: original.path)
      XCTAssertGreaterThan(file.names.count, 10)
      try Files.withTemporaryFolder { folder in
        let url = folder.appendingPathComponent("written.safetensors")
        try SafetensorsFile.write(try items(of: file), metadata: file.metadata, to: url.path)
        XCTAssertEqual(try Data(contentsOf: url), try Data(contentsOf: original), name)
      }
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

  func testValuesAreRoundedOnTheWay() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("rounded.safetensors").path
      // More elements than fit the buffer of the conversion, and rows with a stride.
      let many = Tensor((0..<300_000).map { Float($0 % 2048) }, shape: [1000, 300])
      let columns = many.columns(7..<250)
      try SafetensorsFile.write(
        [
          .init("half", many, as: .float16), .init("double", many, as: .float64),
          .init("columns", columns),
          .init("brain", Tensor([1 + 1 / 256, 1 + 3 / 256]), as: .bfloat16),
        ], to: path)
      let file = try SafetensorsFile(path: path)
      XCTAssertEqual(try file.tensor("half").array, many.array)
      XCTAssertEqual(try file.tensor("double").array, many.array)
      XCTAssertEqual(try file.tensor("columns").array, columns.array)
      XCTAssertEqual(try file.tensor("brain").array, [1, 1 + 4 / 256])
    }
  }

  func testItemsThatCannotBeWritten() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("x.safetensors").path
      let one = Tensor(1)
      for (items, metadata, expected) in [
        (
          [.init("a", one), .init("a", one, as: .float16)], [],
          .duplicateTensor(path: path, tensor: "a")
        ),
        (
          [.init("__metadata__", one)], [],
          .invalidField(
            path: path, field: "__metadata__", expected: "another name", found: "a tensor")
        ),
        (
          [], [("a", "1"), ("a", "2")],
          .invalidField(
            path: path, field: "__metadata__", expected: "names that differ", found: "a name twice")
        ),
        (
          [.init("i", Indices([1, 300]), as: .uint8)], [],
          .valueOutOfRange(path: path, tensor: "i", index: 1, value: 300, allowed: 0...255)
        ),
      ] as [([SafetensorsFile.Item], [(String, String)], CheckpointError)] {
        XCTAssertThrowsError(
          try SafetensorsFile.write(
            items, metadata: metadata.map { (name: $0.0, value: $0.1) }, to: path)
        ) { error in
          XCTAssertEqual(error as? CheckpointError, expected)
        }
      }
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), [])
    }
  }

  func testNamesThatDifferInBytesOnly() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("names.safetensors").path
      try SafetensorsFile.write(
        [.init("e\u{301}", Tensor(1)), .init("\u{E9}", Tensor(2)), .init("", Tensor(3))], to: path)
      let file = try SafetensorsFile(path: path)
      XCTAssertEqual(file.entries.count, 3)
      XCTAssertEqual(try file.tensor("e\u{301}").item, 1)
      XCTAssertEqual(try file.tensor("\u{E9}").item, 2)
      XCTAssertEqual(try file.tensor("").item, 3)
    }
  }
}
