import PEFTCheckpoints
import PEFTJSON
import PEFTTestSupport
import XCTest

final class ConfigurationFileTests: XCTestCase {
  private func file(_ text: String) throws -> ConfigurationFile {
    try ConfigurationFile(path: "config.json", json: JSON(parsing: text.utf8))
  }

  private func expect(
    _ expected: CheckpointError, file: StaticString = #filePath, line: UInt = #line,
    _ body: () throws -> Void
  ) {
    XCTAssertThrowsError(try body(), file: file, line: line) { error in
      XCTAssertEqual(error as? CheckpointError, expected, file: file, line: line)
    }
  }

  func testFields() throws {
    let config = try file(
      #"{"i":3,"f":4.0,"n":0.5,"b":true,"s":"t","sa":["x"],"ia":[1,2],"null":null}"#)
    XCTAssertEqual(try config.integer("i"), 3)
    XCTAssertEqual(try config.integer("f"), 4)
    XCTAssertEqual(try config.number("i"), 3)
    XCTAssertEqual(try config.number("n"), 0.5)
    XCTAssertEqual(try config.bool("b"), true)
    XCTAssertEqual(try config.string("s"), "t")
    XCTAssertEqual(try config.optionalStringArray("sa"), ["x"])
    XCTAssertEqual(try config.optionalIntegerArray("ia"), [1, 2])
    for absent in ["null", "none"] {
      XCTAssertNil(try config.optionalInteger(absent))
      XCTAssertNil(try config.optionalNumber(absent))
      XCTAssertNil(try config.optionalBool(absent))
      XCTAssertNil(try config.optionalString(absent))
      XCTAssertNil(try config.optionalStringArray(absent))
      XCTAssertNil(try config.optionalIntegerArray(absent))
      XCTAssertNil(try config.object(absent))
      XCTAssertNil(config.value(absent))
      XCTAssertFalse(config.has(absent))
      XCTAssertEqual(try config.integer(absent, default: 7), 7)
      XCTAssertEqual(try config.bool(absent, default: false), false)
      expect(.missingField(path: "config.json", field: absent)) {
        _ = try config.string(absent)
      }
    }
    XCTAssertEqual(config.unreadFields, [])
  }

  func testWrongTypes() throws {
    let config = try file(
      ##"{"i":3.5,"s":7,"sa":["x",1],"o":[1],"long":"\##(String(repeating: "x", count: 99))"}"##)
    func invalid(_ field: String, _ expected: String, _ found: String) -> CheckpointError {
      .invalidField(path: "config.json", field: field, expected: expected, found: found)
    }
    expect(invalid("i", "an integer", "3.5")) { _ = try config.integer("i") }
    expect(invalid("i", "a boolean", "3.5")) { _ = try config.bool("i") }
    expect(invalid("s", "a string", "7")) { _ = try config.string("s", default: "x") }
    expect(invalid("sa", "an array of strings", "an array with 1 at 1")) {
      _ = try config.optionalStringArray("sa")
    }
    expect(invalid("o", "a number", "an array")) { _ = try config.number("o") }
    expect(invalid("o", "an object", "an array")) { _ = try config.object("o") }
    expect(invalid("long", "an integer", "a string")) { _ = try config.integer("long") }
    expect(invalid("(the whole file)", "an object", "an array")) { _ = try file("[]") }
  }

  func testUnreadFields() throws {
    let config = try file(#"{"a":1,"b":2,"o":{"x":1,"y":{"z":"s"}},"p":{"q":1}}"#)
    XCTAssertEqual(config.unreadFields, ["a", "b", "o", "p"])
    XCTAssertTrue(config.has("a"))
    XCTAssertEqual(try config.integer("a"), 1)
    config.ignore(["b", "none"])
    let object = try XCTUnwrap(try config.object("o"))
    XCTAssertEqual(config.unreadFields, ["o.x", "o.y", "p"])
    let inner = try XCTUnwrap(try object.object("y"))
    expect(
      .invalidField(path: "config.json", field: "o.y.z", expected: "an integer", found: "\"s\"")
    ) { _ = try inner.integer("z") }
    XCTAssertEqual(try config.object("o")?.integer("x"), 1)
    expect(.unreadFields(path: "config.json", fields: ["p"])) { try config.requireAllRead() }
    XCTAssertEqual(
      config.unsupported("p", hint: "leave it out").description,
      #"config.json: field "p" with value {"q":1} is not supported; leave it out"#)
    XCTAssertNoThrow(try config.requireAllRead())
  }

  func testFiles() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("config.json").path
      try atomicallyWrite(#"{"hidden_size": 64}"#, to: path)
      XCTAssertEqual(try ConfigurationFile(path: path).integer("hidden_size"), 64)
      for text in ["", "{", #"{"a":1,"a":1}"#] {
        try atomicallyWrite(text, to: path)
        XCTAssertThrowsError(try ConfigurationFile(path: path)) { error in
          guard case .invalidJSON(path, _)? = error as? CheckpointError else {
            return XCTFail("\(error)")
          }
        }
      }
      XCTAssertThrowsError(try ConfigurationFile(path: folder.path))
    }
  }
}
