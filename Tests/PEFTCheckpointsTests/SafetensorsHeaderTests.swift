import Foundation
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import XCTest

/// Headers that break a rule, and odd ones that do not; the verdicts are the reference
/// implementation's (safetensors 0.8.0) except where a comment says otherwise.
final class SafetensorsHeaderTests: XCTestCase {
  private func info(
    _ name: String = "x", _ dtype: String = #""U8""#, _ shape: String = "[1]",
    _ offsets: String = "[0,1]"
  ) -> String {
    #""\#(name)":{"dtype":\#(dtype),"shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  private func open(_ bytes: [UInt8]) throws -> SafetensorsFile {
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("x.safetensors").path
      try atomicallyWrite(bytes, to: path)
      return try SafetensorsFile(path: path)
    }
  }

  private func expectInvalid(
    _ bytes: [UInt8], _ part: String, file: StaticString = #filePath, line: UInt = #line
  ) {
    XCTAssertThrowsError(try open(bytes), part, file: file, line: line) { error in
      guard case .invalidHeader(_, let reason)? = error as? CheckpointError else {
        return XCTFail("\(error)", file: file, line: line)
      }
      XCTAssertTrue(
        reason.contains(part), "\"\(reason)\" lacks \"\(part)\"", file: file, line: line)
    }
  }

  func testLengths() {
    for count in 0..<8 { expectInvalid(Array(repeating: 0, count: count), "fewer than 8") }
    expectInvalid(safetensors("{}", length: 3), "longer than the file")
    expectInvalid(safetensors("{}", length: 100_000_001), "longer than 100000000")
    expectInvalid(safetensors("{}", length: 1 << 63), "longer than 100000000")
    expectInvalid(safetensors("{}", length: .max), "longer than 100000000")
    expectInvalid(safetensors("{}", length: 0), "no valid JSON")
    expectInvalid(safetensors("{}", length: 1), "no valid JSON")
  }

  func testTexts() {
    expectInvalid(safetensors(""), "no valid JSON")
    expectInvalid(safetensors("{"), "no valid JSON")
    expectInvalid(safetensors("{} x"), "no valid JSON")
    expectInvalid(safetensors("{}\0\0"), "no valid JSON")
    expectInvalid(safetensors("\u{FEFF}{}"), "no valid JSON")
    expectInvalid(safetensors("{\(info()),}", [1]), "no valid JSON")
    expectInvalid(little(UInt64(1)) + [0xFF], "no valid JSON")
    expectInvalid(little(UInt64(7)) + Array(#"{""#.utf8) + [0xFF] + Array(#"":1}"#.utf8), "UTF-8")
    expectInvalid(safetensors("[]"), "expected an object")
    expectInvalid(safetensors("null"), "expected an object")
    expectInvalid(safetensors(String(repeating: "[", count: 200_000)), "nested")
    expectInvalid(
      safetensors(String(repeating: #"{"a":"#, count: 200_000)), "nested")
  }

  func testHeadersThatWouldTakeMuchMemory() {
    // The reference reads them.
    let zeros = String(repeating: "0,", count: 4_000_001)
    expectInvalid(
      safetensors("{" + info("x", #""U8""#, "[\(zeros)0]", "[0,0]") + "}"), "4000000 values")
  }

  func testMetadata() throws {
    expectInvalid(safetensors(#"{"__metadata__":1}"#), "expected an object")
    expectInvalid(safetensors(#"{"__metadata__":{"a":1}}"#), "expected a string")
    expectInvalid(safetensors(#"{"__metadata__":{"a":null}}"#), "expected a string")
    expectInvalid(safetensors(#"{"__metadata__":{"a":"\ud800"}}"#), "escape")
    expectInvalid(safetensors(#"{"__metadata__":{},"__metadata__":{}}"#), "twice")
    // The reference keeps the last of two.
    expectInvalid(safetensors(#"{"__metadata__":{"a":"1","a":"2"}}"#), "twice")
    XCTAssertEqual(try open(safetensors(#"{"__metadata__":null}"#)).metadata.count, 0)
    let last = try open(safetensors(#"{\#(info()),"__metadata__":{"b":"1","a":"2"}}"#, [1]))
    XCTAssertEqual(last.metadata.map(\.name), ["b", "a"])
  }

  func testDescriptions() {
    for (header, part) in [
      (#""x":1"#, "expected an object"), (#""x":{}"#, "dtype is missing"),
      // The reference reads an array as the fields in their order.
      (#""x":["U8",[1],[0,1]]"#, "expected an object"),
      (#""x":{"dtype":"U8","shape":[1]}"#, "data_offsets is missing"),
      (#""x":{"dtype":"U8","data_offsets":[0,1]}"#, "shape is missing"),
      (#""x":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}"#, "twice"),
      (info("x", "null"), "dtype is missing"), (info("x", "8"), "dtype is missing"),
      (info("x", #""Q9""#), "does not exist"), (info("x", #""u8""#), "does not exist"),
      (info("x", #""""#), "does not exist"), (info("x", #""U8""#, "null"), "no array"),
      (info("x", #""U8""#, "1"), "no array"), (info("x", #""U8""#, "[1.0]"), "whole numbers"),
      (info("x", #""U8""#, "[1e0]"), "whole numbers"),
      (info("x", #""U8""#, "[-1]"), "whole numbers"),
      (info("x", #""U8""#, #"["1"]"#), "whole numbers"),
      (info("x", #""U8""#, "[[1]]"), "whole numbers"),
      (info("x", #""U8""#, "[18446744073709551616]"), "whole numbers"),
      (info("x", #""U8""#, "[1e400]"), "no valid JSON"),
      (info("x", #""I64""#, "[9223372036854775807]"), "overflows"),
      (info("x", #""U8""#, "[4294967296,4294967296]"), "overflows"),
      // The reference lets these pass: it multiplies from the left and meets the zero first.
      (info("x", #""U8""#, "[0,9223372036854775807,3]", "[0,0]"), "overflows"),
      (info("x", #""U8""#, "[0,18446744073709551615]", "[0,0]"), "whole numbers"),
      (info("x", #""U8""#, "[2]"), "takes 2 bytes"), (info("x", #""F32""#), "takes 4 bytes"),
      (info("x", #""F4""#), "whole number of bytes"),
      (info("x", #""U8""#, "[0]"), "takes 0 bytes"),
      (info("x", #""U8""#, "[1]", "[]"), "expected 2"),
      (info("x", #""U8""#, "[1]", "[0]"), "expected 2"),
      (info("x", #""U8""#, "[1]", "[0,1,1]"), "expected 2"),
      (info("x", #""U8""#, "[1]", "[1,0]"), "reversed"),
      (info("x", #""U8""#, "[1]", "[-1,0]"), "whole numbers"),
      (info("x", #""U8""#, "[1]", "[9223372036854775806,9223372036854775807]"), "overflow"),
      (info("x", #""U8""#, "[1]", "[0.0,1.0]"), "whole numbers"),
    ] {
      expectInvalid(safetensors("{\(header)}", [1]), part)
    }
  }

  func testPlaces() {
    for (header, part) in [
      (info("x", #""U8""#, "[1]", "[1,2]"), "unused bytes lie before"),
      (info() + "," + info("y"), "overlaps"),
      (info("x", #""U8""#, "[2]", "[0,2]") + "," + info("y", #""U8""#, "[0]", "[1,1]"), "overlaps"),
      (info("x", #""U8""#, "[2]", "[0,2]") + "," + info("y", #""U8""#, "[0]", "[5,5]"), "unused"),
      (info("x", #""U8""#, "[3]", "[0,3]"), "cut short"), (info(), "1 unused bytes follow"),
      // The reference keeps the last of two.
      (info("x", #""U8""#, "[2]", "[0,2]") + "," + info("x", #""U8""#, "[2]", "[0,2]"), "twice"),
    ] {
      expectInvalid(safetensors("{\(header)}", [1, 2]), part)
    }
  }

  func testOddFilesThatAreValid() throws {
    XCTAssertEqual(try open(safetensors(" \n{}\t")).names, [])
    let empties = [
      info("b", #""U8""#, "[1]", "[1,2]"), info("e", #""F32""#, "[3,0]", "[1,1]"), info("a"),
    ]
    let file = try open(safetensors("{\(empties.joined(separator: ","))}", [7, 8]))
    XCTAssertEqual(file.names, ["a", "e", "b"])
    XCTAssertEqual(try file.tensor("e").array, [])
    XCTAssertEqual(try file.indices("b").values, [8])
    let unknown = #"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":[{}]}}"#
    XCTAssertEqual(try open(safetensors(unknown, [1])).names, ["x"])
    for dtype in DType.allCases {
      let bytes = dtype.bitCount
      let header = info("x", "\"\(dtype.rawValue)\"", "[2,4]", "[0,\(bytes)]")
      let file = try open(safetensors("{\(header)}", Array(repeating: 0, count: bytes)))
      XCTAssertEqual(file["x"]?.dtype, dtype)
      if !dtype.isReal { XCTAssertThrowsError(try file.tensor("x"), dtype.rawValue) }
      if !dtype.isInteger { XCTAssertThrowsError(try file.indices("x"), dtype.rawValue) }
    }
  }

  func testFilesThatCannotBeRead() throws {
    try Files.withTemporaryFolder { folder in
      for (path, part) in [
        (folder.path, "folder"), (folder.appendingPathComponent("none").path, "No such file"),
        ("/dev/null", "regular"), ("", "No such file"), ("a\0b", "zero byte"),
      ] {
        XCTAssertThrowsError(try SafetensorsFile(path: path)) { error in
          guard case .fileUnreadable(path, let reason)? = error as? CheckpointError else {
            return XCTFail("\(error)")
          }
          XCTAssertTrue(reason.contains(part), reason)
        }
      }
      let path = folder.appendingPathComponent("model.bin").path
      for head: [UInt8] in [Array("PK\u{3}\u{4}".utf8), [0x80, 2, 0, 0]] {
        try atomicallyWrite(head + Array(repeating: 0, count: 60), to: path)
        XCTAssertThrowsError(try SafetensorsFile(path: path)) { error in
          guard case .unsupportedFile? = error as? CheckpointError else {
            return XCTFail("\(error)")
          }
        }
      }
    }
  }

  /// Lengths of headers whose first bytes are those of a pickle: 0x80 and a protocol.
  func testHeadersWhoseLengthLooksLikeAPickle() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("model.safetensors").path
      for length in [0x280, 0x380, 0x480, 0x580] {
        var header = Array(#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.utf8)
        header += Array(repeating: UInt8(ascii: " "), count: length - header.count)
        let size = withUnsafeBytes(of: UInt64(length).littleEndian) { Array($0) }
        try atomicallyWrite(size + header + [0, 0, 0x80, 0x3F], to: path)
        XCTAssertEqual(try SafetensorsFile(path: path).tensor("x").array, [1], "\(length)")
      }
    }
  }

  func testVerdictsOfTheReference() throws {
    let folder = try Files.shared("data/safetensors-corpus")
    let verdicts = try JSON(
      parsing: Data(contentsOf: folder.appendingPathComponent("verdicts.json")))
    let cases = try XCTUnwrap(verdicts.elements)
    XCTAssertFalse(cases.isEmpty)
    for item in cases {
      let name = try XCTUnwrap(item["file"]?.string)
      let verdict = try XCTUnwrap(item["reference_verdict"]?.string)
      let path = folder.appendingPathComponent(name).path
      if verdict.hasPrefix("ok: ") {
        let file = try SafetensorsFile(path: path)
        let tensors = file.entries.map { "\($0.name):\($0.dtype.rawValue)\($0.shape)" }
        XCTAssertEqual("ok: " + tensors.joined(separator: " "), verdict, name)
      } else {
        XCTAssertThrowsError(try SafetensorsFile(path: path), name)
      }
    }
  }
}
