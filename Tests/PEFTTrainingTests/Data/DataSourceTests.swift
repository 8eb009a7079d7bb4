import Foundation
import PEFTTestSupport
import PEFTTraining
import XCTest

final class DataSourceTests: XCTestCase {
  /// The records of a text in the format that a file name tells.
  private func records(
    _ text: String, _ name: String, _ settings: DataFormat.Settings = .init()
  ) throws -> [[String: DataValue]] {
    try records(Data(text.utf8), name, settings).map { record in
      Dictionary(record.fields.map { ($0.name, $0.value) }) { $1 }
    }
  }

  private func records(
    _ data: Data, _ name: String, _ settings: DataFormat.Settings = .init()
  ) throws -> [DataRecord] {
    try Files.withTemporaryFolder { folder in
      let url = folder.appendingPathComponent(name)
      try data.write(to: url)
      let reader = try DataFormat.source(url.path, settings).makeReader()
      var records: [DataRecord] = []
      while let record = try reader.next() { records.append(record) }
      return records
    }
  }

  /// What is wrong with a text, as `line: expected, found`.
  private func fault(
    _ text: String, _ name: String, file: StaticString = #filePath, line: UInt = #line
  ) -> String? {
    do {
      _ = try records(text, name)
      XCTFail("no error", file: file, line: line)
    } catch DataError.invalidRow(_, let line, let expected, let found) {
      return "\(line): \(expected), \(found)"
    } catch DataError.invalidFile(_, let line, let expected, let found) {
      return "file \(line): \(expected), \(found)"
    } catch {
      XCTFail("\(error)", file: file, line: line)
    }
    return nil
  }

  func testCommaSeparatedValues() throws {
    let text = "\u{FEFF}text,label\r\n\"a, \"\"b\"\"\nc\",1\r\n\r\n plain \"x\" ,\n\"\",\"é\""
    XCTAssertEqual(
      try records(text, "rows.csv"),
      [
        ["text": .text("a, \"b\"\nc"), "label": .text("1")],
        ["text": .text(" plain \"x\" "), "label": .text("")],
        ["text": .text(""), "label": .text("é")],
      ])
    XCTAssertEqual(try records("a\n1\n", "rows.csv"), [["a": .text("1")]])
    XCTAssertEqual(try records("", "rows.csv"), [])
    XCTAssertEqual(
      try records("x,1", "rows.csv", .init(columns: ["text", "label"])),
      [["text": .text("x"), "label": .text("1")]])
  }

  func testLinesOfRecordsAreTold() throws {
    let text = "a,b\n\"1\n2\",3\n4,5\n"
    XCTAssertEqual(try records(Data(text.utf8), "rows.csv").map(\.line), [2, 4])
  }

  func testFaultsOfCommaSeparatedValues() {
    XCTAssertEqual(fault("a,b\n1,2\n3\n", "rows.csv"), "3: 2 columns (a, b), 1")
    XCTAssertEqual(
      fault("a,b\n\"1\"x,2\n", "rows.csv"),
      "2: a separator after the closing quotation mark of column 1, more characters")
    XCTAssertEqual(
      fault("a,b\n1,\"2\n\n", "rows.csv"),
      "file 2: a closing quotation mark for the one here, the end of the file")
    XCTAssertEqual(
      fault("a,a\n", "rows.csv"),
      "file 1: a first row that names every column once, \"a\" twice")
    XCTAssertThrowsError(try records(Data([0x61, 0x0A, 0xFF, 0x0A]), "rows.csv"))
  }

  func testTabSeparatedValuesHaveNoQuotes() throws {
    XCTAssertEqual(
      try records("text\tlabel\n\"a\" b\t0\r\n", "rows.tsv"),
      [["text": .text("\"a\" b"), "label": .text("0")]])
  }

  func testArraysOfObjects() throws {
    let text = "\n[ {\"a\": \"]},\\\"\", \"b\": [1, {\"c\": null}]},\n{\"a\": 2.5} ]\n"
    XCTAssertEqual(
      try records(text, "rows.json"),
      [
        [
          "a": .text("]},\""),
          "b": .list([.integer(1), .object([.init("c", .null)])]),
        ],
        ["a": .number(2.5)],
      ])
    XCTAssertEqual(try records("[]", "rows.json"), [])
    XCTAssertEqual(
      fault("[{\"a\": 1},\n3]", "rows.json"), "2: a JSON object in the array, an integer")
    XCTAssertEqual(fault("{}", "rows.json"), "file 1: an array of objects, \"{\"")
    XCTAssertEqual(
      fault("[{\"a\": 1},\n{\"a", "rows.json"),
      "file 2: the end of the element that begins here, the end of the file")
    XCTAssertEqual(
      fault("[{\"a\": 1}] 2", "rows.json"), "file 1: nothing after the array, \"2\"")
  }

  func testPlainText() throws {
    let text = "one\nline\n\n \t\n\n  two \n\n"
    XCTAssertEqual(
      try records(text, "rows.txt"), [["text": .text("one\nline")], ["text": .text("two")]])
    XCTAssertEqual(
      try records("a\n\nb<|end|>\n<|end|> c<|end", "rows.txt", .init(separator: "<|end|>")),
      [["text": .text("a\n\nb")], ["text": .text("c<|end")]])
    XCTAssertEqual(try records("", "rows.txt"), [])
    XCTAssertEqual(try records("ab--c-\n-d", "x", .init(separator: "-\n-")).count, 2)
  }

  func testFormatsAreToldByNames() {
    XCTAssertEqual(DataFormat.of(path: "a/B.JSONL").name, "jsonl")
    XCTAssertEqual(DataFormat.of(path: "a.csv/b").name, "text")
    XCTAssertEqual(DataFormat.named("tsv")?.suffixes.first, "tsv")
    XCTAssertNil(DataFormat.named("xml"))
  }
}
