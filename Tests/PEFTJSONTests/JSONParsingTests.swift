import PEFTJSON
import XCTest

final class JSONParsingTests: XCTestCase {
  private func parse(_ text: String) throws(JSONError) -> JSON { try JSON(parsing: text.utf8) }

  func testValuesKeepOrderAndKind() throws {
    let json = try parse(#" {"b": [1, -2.5, 1e3, 8.0], "a": {"x": null, "y": true}, "": "z"} "#)
    XCTAssertEqual(json.members?.map(\.name), ["b", "a", ""])
    XCTAssertEqual(json["b"]?.elements, [.integer(1), .number(-2.5), .number(1000), .number(8)])
    XCTAssertEqual(json["b"]?.elements?[3].integer, 8)
    XCTAssertNil(json["b"]?.elements?[1].integer)
    XCTAssertEqual(json["a"]?["y"]?.bool, true)
    XCTAssertEqual(json["a"]?["x"]?.isNull, true)
  }

  func testEscapesAndExactBytes() throws {
    let json = try parse(#"["\"\\\/\b\f\n\r\tA\u00e9\ud83d\ude00", "é", "\u0065\u0301"]"#)
    let strings = try XCTUnwrap(json.elements?.compactMap(\.string))
    XCTAssertEqual(Array(strings[0].utf8), Array("\"\\/\u{8}\u{C}\n\r\tA\u{E9}\u{1F600}".utf8))
    XCTAssertEqual(Array(strings[1].utf8), [0xC3, 0xA9])
    XCTAssertEqual(Array(strings[2].utf8), [0x65, 0xCC, 0x81])
  }

  func testCanonicallyEquivalentNamesAreDifferentMembers() throws {
    let json = try parse(#"{"\u00e9": 1, "e\u0301": 2}"#)
    XCTAssertEqual(json["\u{E9}"]?.integer, 1)
    XCTAssertEqual(json["e\u{301}"]?.integer, 2)
  }

  func testFaultsAreNamedWithTheirPlace() {
    let cases: [(String, JSONError.Reason, Int)] = [
      ("", .unexpectedEnd, 0), ("[1", .unexpectedEnd, 2), ("{\"a\":1,}", .unexpectedByte(0x7D), 7),
      ("[1] x", .trailingText, 4), ("01", .invalidNumber, 2), ("-", .unexpectedEnd, 1),
      ("1.", .invalidNumber, 2), ("1e999", .invalidNumber, 5), ("tru", .unexpectedEnd, 3),
      (#"{"a":1,"a":2}"#, .duplicateName("a"), 10), (#""\ud800""#, .invalidEscape, 7),
      (#""\x""#, .invalidEscape, 3), ("\"\n\"", .unexpectedByte(0x0A), 1),
      (String(repeating: "[", count: 65), .tooDeep(limit: 64), 64),
    ]
    for (text, reason, offset) in cases {
      XCTAssertThrowsError(try parse(text), text) {
        XCTAssertEqual($0 as? JSONError, JSONError(reason: reason, offset: offset), text)
      }
    }
    XCTAssertThrowsError(try JSON(parsing: [0x22, 0xFF, 0x22])) {
      XCTAssertEqual($0 as? JSONError, JSONError(reason: .invalidUTF8, offset: 2))
    }
  }

  func testWritingMatchesPython() {
    let json = JSON.object([
      .init("b", .array([.integer(1), .number(1e-5)])), .init("a", .object([])),
      .init("ü", .string("\u{1F600}\n\u{7F}")), .init("c", .array([])),
    ])
    XCTAssertEqual(
      json.sorted.text(.indented),
      """
      {
        "a": {},
        "b": [
          1,
          1e-05
        ],
        "c": [],
        "\\u00fc": "\\ud83d\\ude00\\n\\u007f"
      }
      """)
    XCTAssertEqual(json["b"]?.text(.compact), "[1,1e-05]")
  }
}
