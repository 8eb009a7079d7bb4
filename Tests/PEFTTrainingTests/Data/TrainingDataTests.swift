import Foundation
import PEFTTestSupport
import PEFTTraining
import XCTest

final class TrainingDataTests: XCTestCase {
  private func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result
  {
    try Files.withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("rows.jsonl")
      try Data(text.utf8).write(to: url)
      return try body(url.path)
    }
  }

  private func rows(_ text: String) throws -> [TrainingRow] {
    try withFile(text) { path in
      let reader = try RowReader<TrainingRow>(JSONLines(path: path))
      var rows: [TrainingRow] = []
      while let row = try reader.next() { rows.append(row) }
      return rows
    }
  }

  func testRows() throws {
    XCTAssertEqual(
      try rows(
        """
        {"prompt": "a\\n", "completion": "é", "id": 3}\r

          {"text": "no line feed at the end"}
        """),
      [.completion(prompt: "a\n", completion: "é"), .text("no line feed at the end")])
    XCTAssertEqual(try rows("\u{FEFF}{\"text\": \"a\"}\n"), [.text("a")])
    XCTAssertEqual(try rows(""), [])
    XCTAssertEqual(try rows("\n\n"), [])
  }

  func testLinesLongerThanAChunk() throws {
    let long = String(repeating: "x", count: 200_000)
    let texts = (0..<5).map { "\($0)\(long)" } + (0..<3000).map { "short \($0)" }
    let file = texts.map { "{\"text\": \"\($0)\"}\n" }.joined()
    XCTAssertEqual(try rows(file), texts.map(TrainingRow.text))
  }

  func testEmptyRowsAreCounted() throws {
    let text = """
      {"prompt": "a", "completion": "b"}

      {"prompt": "a", "completion": ""}
      {"text": ""}
      {"text": "a"}
      """
    try withFile(text) { path in
      let data = try TrainingData(jsonLines: path, encoder: CharacterTokenizer.encoder())
      XCTAssertEqual(data.emptyLines, [3, 4])
      XCTAssertEqual(data.examples.count, 4)
      let bare = CharacterTokenizer.encoder(end: nil, addsSpecialTokens: false)
      let rest = try TrainingData(jsonLines: path, encoder: bare)
      XCTAssertEqual(rest.emptyLines, [])
      XCTAssertEqual(rest.skippedLines, [3, 4, 5])
    }
  }

  func testBadRowsNameTheLine() throws {
    let fields =
      "\"prompt\" and \"completion\", \"text\", \"messages\", or \"instruction\" and \"output\""
    let bad: [(String, expected: String, found: String)] = [
      ("[1]", "a JSON object on one line", "array"),
      ("{}", fields, "no members"),
      ("{\"prompt\": \"a\"}", fields, "members \"prompt\""),
      ("{\"text\": \"a\", \"prompt\": \"b\"}", fields, "members \"text\", \"prompt\""),
      ("{\"text\": 3}", "a string as \"text\"", "an integer"),
      ("{\"prompt\": \"a\", \"completion\": null}", "a string as \"completion\"", "null"),
    ]
    for (row, expected, found) in bad {
      try withFile("{\"text\": \"a\"}\n\n\(row)\n") { path in
        XCTAssertThrowsError(
          try TrainingData(jsonLines: path, encoder: CharacterTokenizer.encoder())
        ) { error in
          guard case DataError.invalidRow(path, 3, expected, let text) = error else {
            return XCTFail("\(row): \(error)")
          }
          XCTAssertTrue(text.contains(found), "\(row): \(text)")
          XCTAssertTrue("\(error)".hasPrefix("\(path):3: expected \(expected), found "))
        }
      }
    }
  }

  func testBrokenJSONAndUTF8NameTheLine() throws {
    for bytes in [
      Array("{\"text\": \"a\"".utf8), Array("{\"text\": \"".utf8) + [0xFF, 0x22, 0x7D],
    ] {
      try Files.withTemporaryFolder { folder in
        let url = folder.appendingPathComponent("rows.jsonl")
        try Data(bytes).write(to: url)
        XCTAssertThrowsError(try JSONLines(path: url.path).makeReader().next()) { error in
          guard case DataError.invalidRow(url.path, 1, "a JSON object on one line", _) = error
          else {
            return XCTFail("\(error)")
          }
        }
      }
    }
  }

  func testUnreadableFiles() throws {
    try Files.withTemporaryFolder { folder in
      for (path, reason) in [
        (folder.path, "it is a folder, and a file is expected"),
        (folder.path + "/missing.jsonl", "No such file or directory"),
      ] {
        XCTAssertThrowsError(
          try TrainingData(jsonLines: path, encoder: CharacterTokenizer.encoder())
        ) { error in
          XCTAssertEqual(error as? DataError, .unreadable(path: path, reason: reason))
        }
      }
    }
  }

  func testEmptyDataAreAnError() throws {
    let encoder = CharacterTokenizer.encoder(maximumLength: 4)
    for (text, skipped) in [
      ("", 0), ("{\"prompt\": \"abc\", \"completion\": \"d\"}\n", 1),
    ] {
      try withFile(text) { path in
        XCTAssertThrowsError(try TrainingData(jsonLines: path, encoder: encoder)) { error in
          XCTAssertEqual(error as? DataError, .noExamples(path: path, skipped: skipped))
        }
      }
    }
  }

  func testSkippedAndCutRowsAreReported() throws {
    let data = try withFile(
      """
      {"prompt": "abc", "completion": "d"}
      {"prompt": "a", "completion": "bc"}
      {"text": "ab"}
      {"prompt": "abcd", "completion": "d"}
      """
    ) { try TrainingData(jsonLines: $0, encoder: CharacterTokenizer.encoder(maximumLength: 4)) }
    XCTAssertEqual(data.skippedLines, [1, 4])
    XCTAssertEqual(data.cutCount, 1)
    XCTAssertEqual(data.examples.map(\.ids), [[1, 97, 98, 99], [1, 97, 98, 2]])
    XCTAssertEqual(data.examples.map(\.targetCount), [2, 3])
    XCTAssertEqual(data.tokenCount, 8)
  }
}
