import Foundation
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import XCTest

/// Reading, compared with what the reference implementation wrote.
final class SafetensorsFileTests: XCTestCase {
  private let fixture = Files.fixture("Checkpoints/every_dtype.safetensors").path

  private func values() throws -> JSON {
    try JSON(parsing: Data(contentsOf: Files.fixture("Checkpoints/values.json")))
  }

  func testRealTensorsHaveTheValuesOfTheReference() throws {
    let file = try SafetensorsFile(path: fixture)
    let members = try XCTUnwrap(try values()["real"]?.members)
    XCTAssertGreaterThan(members.count, 8)
    for member in members {
      let expected = try XCTUnwrap(member.value.elements).map { value in
        try XCTUnwrap(Double(XCTUnwrap(value.string)))
      }
      let tensor = try file.tensor(member.name)
      XCTAssertEqual(tensor.array.map(Double.init), expected, member.name)
      XCTAssertEqual(tensor.shape, file[member.name]?.shape)
    }
  }

  func testWholeTensorsHaveTheValuesOfTheReference() throws {
    let file = try SafetensorsFile(path: fixture)
    let members = try XCTUnwrap(try values()["whole"]?.members)
    XCTAssertEqual(members.count, 6)
    for member in members {
      let expected = try XCTUnwrap(member.value.elements).map { Int32(try XCTUnwrap($0.integer)) }
      XCTAssertEqual(try file.indices(member.name).values, expected, member.name)
    }
  }

  func testHeader() throws {
    let file = try SafetensorsFile(path: fixture)
    XCTAssertEqual(file.metadata.map(\.name), ["format"])
    XCTAssertEqual(file.metadata.map(\.value), ["pt"])
    XCTAssertEqual(file["scalar"]?.shape, [])
    XCTAssertEqual(file["empty"]?.shape, [2, 0])
    XCTAssertEqual(file["brain"]?.dtype, .bfloat16)
    XCTAssertEqual(file.names.first, "long")
    XCTAssertEqual(file.names.last, "flags")
    XCTAssertNil(file["nothing"])
    // The composed letter is in the file; the decomposed one is another name.
    XCTAssertNotNil(file["na\u{EF}ve \"quoted\" \\ \n\u{1}"])
    XCTAssertNil(file["nai\u{308}ve \"quoted\" \\ \n\u{1}"])
    XCTAssertEqual(try file.bytes("byte"), [0, 255, 3, 9, 1])
  }

  func testTensorsKeepTheMappingAlive() throws {
    let tensor = try { try SafetensorsFile(path: fixture).tensor("weight") }()
    XCTAssertFalse(tensor.storage.isPooled)
    XCTAssertEqual(tensor.array, try SafetensorsFile(path: fixture).tensor("weight").array)
  }

  func testWritingToAMappedTensorLeavesTheFileAlone() throws {
    let before = try Data(contentsOf: URL(fileURLWithPath: fixture))
    let file = try SafetensorsFile(path: fixture)
    let storage = try file.storage("Upper")
    storage.address.storeBytes(of: 9, as: Float.self)
    XCTAssertEqual(try file.tensor("Upper").item, 9)
    XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: fixture)), before)
    XCTAssertEqual(try SafetensorsFile(path: fixture).tensor("Upper").item, 2)
  }

  func testUnalignedTensors() throws {
    let text =
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
      + #""b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]},"#
      + #""c":{"dtype":"BF16","shape":[1],"data_offsets":[9,11]},"#
      + #""d":{"dtype":"F64","shape":[1],"data_offsets":[11,19]},"#
      + #""e":{"dtype":"I64","shape":[1],"data_offsets":[19,27]}}"#
    var data: [UInt8] = [7] + little(Float(1.5).bitPattern) + little(Float(-3).bitPattern)
    data += little(UInt16(0xBFC0)) + little(Double(0.25).bitPattern)
    data += little(UInt64(bitPattern: -5))
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("unaligned.safetensors").path
      for padding in 0..<8 {
        try atomicallyWrite(
          safetensors(text + String(repeating: " ", count: padding), data), to: path)
        let file = try SafetensorsFile(path: path)
        XCTAssertEqual(try file.tensor("b").array, [1.5, -3])
        XCTAssertEqual(try file.tensor("c").array, [-1.5])
        XCTAssertEqual(try file.tensor("d").array, [0.25])
        XCTAssertEqual(try file.indices("e").values, [-5])
      }
    }
  }

  func testReadingWhatIsNotThere() throws {
    let file = try SafetensorsFile(path: fixture)
    XCTAssertThrowsError(try file.tensor("wieght")) { error in
      XCTAssertEqual(
        error as? CheckpointError,
        .missingTensor(path: fixture, tensor: "wieght", nearest: ["weight"]))
    }
    XCTAssertThrowsError(try file.tensor("int")) { error in
      XCTAssertEqual(
        error as? CheckpointError,
        .wrongDType(
          path: fixture, tensor: "int", expected: [.float32, .float16, .bfloat16, .float64],
          found: .int32))
    }
    XCTAssertThrowsError(try file.indices("half"))
    XCTAssertThrowsError(try file.bytes("absent"))
  }

  func testValuesThatDoNotFit() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("large.safetensors").path
      try SafetensorsFile.write(
        [
          .init("long", bytes: little(UInt64(1) << 31), as: .int64, shape: [1]),
          .init("flag", bytes: [0, 1, 2], as: .bool, shape: [3]),
          .init("unsigned", bytes: [1, 0, 0, 0], as: .uint32, shape: [1]),
        ], to: path)
      let file = try SafetensorsFile(path: path)
      XCTAssertThrowsError(try file.indices("long")) { error in
        XCTAssertEqual(
          error as? CheckpointError,
          .valueOutOfRange(
            path: path, tensor: "long", index: 0, value: 1 << 31,
            allowed: Int64(Int32.min)...Int64(Int32.max)))
      }
      XCTAssertThrowsError(try file.indices("flag"))
      XCTAssertThrowsError(try file.indices("unsigned"))
      XCTAssertThrowsError(try file.tensor("unsigned"))
      XCTAssertEqual(try file.bytes("unsigned"), [1, 0, 0, 0])
    }
  }
}
