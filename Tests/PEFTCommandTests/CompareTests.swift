import Foundation
import PEFTJSON
import PEFTTestSupport
import XCTest

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// `peft compare`: its table, its picture, and what it makes of methods that fail.
final class CompareTests: XCTestCase {
  func testTableAndPictureOfASmallRun() throws {
    try Files.withTemporaryFolder { folder in
      let rows = folder.appendingPathComponent("rows.jsonl")
      try Data("{\"prompt\": \"One\", \"completion\": \" day\"}\n".utf8).write(to: rows)
      let output = folder.appendingPathComponent("output").path
      let run = try CommandRun([
        "compare", "--methods", "lora,full", "--seeds", "1", "--steps", "2", "--batch", "1",
        "--data", rows.path, "--evaluation", rows.path, "--output", output, "--json",
      ])
      let result = try run.json()
      let methods = try XCTUnwrap(result["methods"]?.elements)
      XCTAssertEqual(methods.compactMap { $0["name"]?.string }, ["full", "lora"])
      // Four blocks of D 128, K 32, 4 and 2 heads, F 352: rank 4 times the inputs and outputs of each map.
      let perBlock = (128 + 128) + 2 * (128 + 64) + (128 + 128) + 3 * (128 + 352)
      XCTAssertEqual(result["budget"]?.integer, 4 * 4 * perBlock)
      XCTAssertEqual(methods[1]["trainable"]?.integer, 4 * 4 * perBlock)
      XCTAssertEqual(methods[1]["size"]?.integer, 4)
      XCTAssertEqual(methods[1]["mergeable"]?.bool, true)
      XCTAssertEqual(methods[1]["adapter_bytes"]?.integer, 16 * 4 * perBlock)
      let base = try XCTUnwrap(result["base_loss"]?.number)
      for method in methods {
        let losses = try XCTUnwrap(method["losses"]?.elements).compactMap(\.number)
        XCTAssertEqual(losses.count, 1)
        XCTAssertLessThan(losses[0], base)
        XCTAssertEqual(method["failed"]?.isNull, true)
        XCTAssertGreaterThan(method["peak_bytes"]?.integer ?? 0, 1_000_000)
      }
      // What was measured is what was saved.
      let evaluated = try CommandRun([
        "evaluate", "--adapter", output + "/runs/lora-0", "--data", rows.path, "--json",
      ]).json()
      XCTAssertEqual(evaluated["loss"]?.number, methods[1]["loss"]?.number)

      let table = try String(contentsOfFile: output + "/table.md", encoding: .utf8)
      let lines = table.split(separator: "\n").filter { $0.hasPrefix("| ") }
      XCTAssertEqual(lines.count, 4, table)
      XCTAssert(lines[1].hasPrefix("| untrained base | 0 | 0 | \(String(format: "%.3f", base))"))
      XCTAssert(lines[3].hasPrefix("| LoRA | 37,376 | 149,504 |"), table)
      XCTAssert(
        run.output.split(separator: "\n").filter { $0.hasPrefix("LoRA") }.allSatisfy {
          $0.count <= 100
        }, run.output)
      let stored = try String(contentsOfFile: output + "/results.json", encoding: .utf8)
      XCTAssertEqual(
        try JSON(parsing: Array(stored.utf8)).text(.compact), result.text(.compact))
      let picture = try XCTUnwrap(FileManager.default.contents(atPath: output + "/compare.svg"))
      let texts = try PictureTexts(picture).texts
      for name in ["LoRA", "full fine-tuning", "milliseconds a step"] {
        XCTAssertEqual(texts.count { $0 == name }, 1, "\(texts)")
      }
    }
  }

  /// The second run finds what the first one measured, and adds what is new.
  func testGoingOnAndSearching() throws {
    try Files.withTemporaryFolder { folder in
      let rows = folder.appendingPathComponent("rows.jsonl")
      let lines = (0..<10).map {
        "{\"prompt\": \"Number \($0)\", \"completion\": \" is \($0 + 1)\"}\n"
      }
      try Data(lines.joined().utf8).write(to: rows)
      let output = folder.appendingPathComponent("output").path
      let words = [
        "compare", "--methods", "ln-tuning", "--seeds", "1", "--steps", "1", "--batch", "1",
        "--data", rows.path, "--evaluation", rows.path, "--output", output, "--json",
      ]
      let first = try CommandRun(words).json()
      let record = output + "/logs/ln-tuning-0.json"
      let before = try FileManager.default.attributesOfItem(atPath: record)
      let second = try CommandRun(words + ["--search", "--timings", "1"]).json()
      let (one, two) = (first["methods"]?.elements?.first, second["methods"]?.elements?.first)
      XCTAssertEqual(one?["trials"]?.elements?.count, 0)
      let trials = try XCTUnwrap(two?["trials"]?.elements).compactMap { $0.elements }
      // From its usual rate on, up or down.
      XCTAssertEqual(trials.first?[0].number, one?["rate"]?.number)
      XCTAssertGreaterThanOrEqual(trials.count, 3)
      let best = trials.min { ($0[1].number ?? .infinity) < ($1[1].number ?? .infinity) }
      XCTAssertEqual(two?["rate"]?.number, best?[0].number)
      XCTAssertEqual(two?["timings"]?.elements?.count, 1)
      if two?["rate"]?.number == one?["rate"]?.number {
        let after = try FileManager.default.attributesOfItem(atPath: record)
        XCTAssertEqual(
          before[.modificationDate] as? Date, after[.modificationDate] as? Date)
        XCTAssertEqual(one?["step_s"]?.text(.compact), two?["step_s"]?.text(.compact))
      }
      // The same once more trains nothing at all.
      let third = try CommandRun(words + ["--search", "--timings", "1"]).json()
      XCTAssertEqual(
        third["methods"]?.elements?.first?["timings"]?.text(.compact),
        two?["timings"]?.text(.compact))
    }
  }

  func testAMethodThatFailsIsARowThatSaysWhy() throws {
    try Files.withTemporaryFolder { folder in
      let rows = folder.appendingPathComponent("rows.jsonl")
      let long = String(repeating: "word ", count: 8)
      try Data("{\"prompt\": \"\(long)\", \"completion\": \" day\"}\n".utf8).write(to: rows)
      let held = folder.appendingPathComponent("held.jsonl")
      try Data("{\"prompt\": \"One\", \"completion\": \" day\"}\n".utf8).write(to: held)
      let output = folder.appendingPathComponent("output").path
      let run = try CommandRun([
        "compare", "--methods", "lora", "--seeds", "1", "--steps", "1", "--max-length", "4",
        "--data", rows.path, "--evaluation", held.path, "--output", output,
      ])
      XCTAssertEqual(run.exitCode, 1)
      XCTAssert(run.errors.contains("no method could be trained"), run.errors)
      let table = try String(contentsOfFile: output + "/table.md", encoding: .utf8)
      XCTAssert(table.contains("LoRA failed: \(rows.path)"), table)
    }
  }

  func testWrongUsage() throws {
    let cases: [(words: [String], message: String)] = [
      (["--methods", "lroa"], "did you mean lora?"), (["--data", #filePath], "--evaluation"),
      (["--evaluation", #filePath], "--data"), (["--timings", "-1"], "--timings"),
      (["--seeds", "0"], "--seeds is \"0\""),
    ]
    for (words, message) in cases {
      let run = try CommandRun(["compare", "--output", "/does/not/exist/out"] + words)
      XCTAssertEqual(run.exitCode, 2, "\(words): \(run.errors)")
      XCTAssert(run.errors.contains(message), "\(words): \(run.errors)")
    }
  }
}

/// The texts of a picture, which is read strictly.
final class PictureTexts: NSObject, XMLParserDelegate {
  /// What stands between the tags of a text, and its attributes.
  typealias Text = (text: String, attributes: [String: String])

  private(set) var elements: [Text] = []
  /// The middles of the points.
  private(set) var circles: [(x: Double, y: Double)] = []

  var texts: [String] { elements.map(\.text) }

  init(_ data: Data) throws {
    super.init()
    let parser = XMLParser(data: data)
    parser.delegate = self
    if !parser.parse() { throw parser.parserError ?? CocoaError(.fileReadCorruptFile) }
  }

  func parser(
    _ parser: XMLParser, didStartElement element: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    if element == "text" { elements.append(("", attributes)) }
    if element == "circle", let x = Double(attributes["cx"] ?? ""),
      let y = Double(attributes["cy"] ?? "")
    {
      circles.append((x, y))
    }
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    if !elements.isEmpty {
      elements[elements.count - 1].text += text.trimmingCharacters(in: .newlines)
    }
  }
}
