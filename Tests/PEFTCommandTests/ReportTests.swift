import Foundation
import PEFT
import PEFTJSON
import PEFTTestSupport
import XCTest

#if canImport(FoundationXML)
  import FoundationXML
#endif

final class ReportTests: XCTestCase {
  func testThePageIsWellFormedAndHasTheNumbersOfTheLog() throws {
    try Files.withTemporaryFolder { folder in
      let entries = try SampleRun.write(to: folder.path + "/run")
      let result = try CommandRun(["report", folder.path + "/run", "--json"])
      XCTAssertEqual(try result.json()["steps"]?.integer, 40)
      let page = try Data(contentsOf: folder.appendingPathComponent("run/report.html"))
      let reader = PageReader()
      let parser = XMLParser(data: page)
      parser.delegate = reader
      XCTAssertTrue(parser.parse(), "\(String(describing: parser.parserError))")
      XCTAssertTrue(
        reader.elements.isDisjoint(with: ["script", "link", "img", "iframe", "object"]))
      let text = String(decoding: page, as: UTF8.self)
      XCTAssertFalse(text.contains("url("))
      for use in text.components(separatedBy: "http").dropFirst() {
        XCTAssertTrue(use.hasPrefix("://www.w3.org/"), String(use.prefix(60)))
      }

      let steps = entries.filter { $0.kind == "step" }
      let finite = steps.filter { $0["loss"]?.isFinite == true }
      try reader.expect("training, each step", finite.map { (Double($0.step), $0["loss"] ?? 0) })
      try reader.expect(
        "held-out",
        entries.filter { $0.kind == "evaluation" }.map { (Double($0.step), $0["loss"] ?? 0) })
      try reader.expect(
        "learning rate", steps.map { (Double($0.step), $0["learning_rate"] ?? 0) })
      try reader.expect("process", steps.map { (Double($0.step), 100) })
      try reader.expect("model.layers.0.self_attn.q_proj", [(1, 2), (2, 0.5)])

      // What is hostile stands there as text, but for the character that XML cannot hold.
      let shown = SampleRun.hostile.replacingOccurrences(of: "\u{1}", with: "\u{FFFD}")
      XCTAssertGreaterThanOrEqual(reader.text.components(separatedBy: shown).count - 1, 4)
      for part in [
        "q_proj 11: 11", "1,000", "1.00 % of 100,000", "before 3.500", "run/<anomaly>.json",
        "changed from 0.5 to none", "after step 40", "data 50.0 ms, 12.5 %",
      ] {
        XCTAssertTrue(reader.text.contains(part), part)
      }
    }
  }

  func testAPageOfATraining() throws {
    try Files.withTemporaryFolder { folder in
      let data = folder.appendingPathComponent("rows.jsonl")
      let rows = (0..<9).map { "{\"text\": \"Day \($0): rain, and a wind of \($0 * 7 % 10).\"}\n" }
      try Data(rows.joined().utf8).write(to: data)
      let run = folder.path + "/run"
      let trained = try CommandRun([
        "train", "--data", data.path, "--evaluation", data.path, "--output", run, "--steps", "4",
        "--evaluate-every", "2", "--sample-every", "2", "--sample-tokens", "4", "--log", "jsonl",
      ])
      XCTAssertEqual(trained.exitCode, 0, trained.errors)
      let output = folder.path + "/page.html"
      let result = try CommandRun(["report", run, "--output", output])
      XCTAssertEqual(result.exitCode, 0, result.errors)
      let reader = PageReader()
      let parser = XMLParser(data: try Data(contentsOf: URL(fileURLWithPath: output)))
      parser.delegate = reader
      XCTAssertTrue(parser.parse())
      XCTAssertEqual(reader.curves["held-out"]?.x, [0, 2, 4])
      XCTAssertEqual(reader.curves["training, each step"]?.x, [1, 2, 3, 4])
      // What was added has singular values, as many as the rank.
      let spectra = reader.curves.filter { $0.key.hasSuffix("q_proj") }
      XCTAssertEqual(spectra.count, 4)
      XCTAssertTrue(spectra.values.allSatisfy { $0.x.count <= 8 && $0.y == $0.y.sorted(by: >) })
      XCTAssertTrue(reader.text.contains("lora_alpha"))
    }
  }

  func testWhatIsNoRunIsNamed() throws {
    try Files.withTemporaryFolder { folder in
      let missing = try CommandRun(["report", folder.path])
      XCTAssertEqual(missing.exitCode, 1)
      XCTAssertTrue(missing.errors.contains("holds no log.jsonl; train with --log jsonl"))
      try Data("{\"event\":\"settings\",\"step\":0}\n".utf8).write(
        to: folder.appendingPathComponent("log.jsonl"))
      let empty = try CommandRun(["report", folder.path])
      XCTAssertTrue(empty.errors.contains("has no step yet"), empty.errors)
      XCTAssertEqual(try CommandRun(["report"]).exitCode, 2)
    }
  }
}

/// Collects the texts and the curves of a page.
private final class PageReader: NSObject, XMLParserDelegate {
  private(set) var elements: Set<String> = []
  private(set) var text = ""
  private(set) var curves: [String: (x: [Double], y: [Double], places: [(x: Double, y: Double)])] =
    [:]

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String] = [:]
  ) {
    elements.insert(name)
    guard name == "polyline", let curve = attributes["data-name"] else { return }
    let numbers = { (key: String) in
      (attributes[key] ?? "").split(separator: " ").compactMap { Double($0) }
    }
    let places = (attributes["points"] ?? "").split(separator: " ").map { place in
      let parts = place.split(separator: ",").compactMap { Double($0) }
      return (x: parts.first ?? .nan, y: parts.last ?? .nan)
    }
    curves[curve] = (numbers("data-x"), numbers("data-y"), places)
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

  /// Fails where a curve does not go through points, or is not drawn as they lie.
  func expect(
    _ name: String, _ points: [(Double, Double)], file: StaticString = #filePath,
    line: UInt = #line
  ) throws {
    let curve = try XCTUnwrap(curves[name], name, file: file, line: line)
    XCTAssertEqual(curve.x, points.map(\.0), name, file: file, line: line)
    XCTAssertEqual(curve.y, points.map(\.1), name, file: file, line: line)
    XCTAssertEqual(curve.places.count, points.count, name, file: file, line: line)
    // Places are a rising line of x and a falling one of y, to the digit that is written.
    let order = curve.y.indices.sorted { curve.y[$0] < curve.y[$1] }
    for (low, high) in zip(order, order.dropFirst()) {
      XCTAssertGreaterThanOrEqual(
        curve.places[low].y + 0.051, curve.places[high].y, name, file: file, line: line)
    }
    guard let first = curve.places.first, let last = curve.places.last, points.count > 1 else {
      return
    }
    let scale = (last.x - first.x) / (points[points.count - 1].0 - points[0].0)
    for (place, point) in zip(curve.places, points) {
      XCTAssertEqual(
        place.x, first.x + scale * (point.0 - points[0].0), accuracy: 0.11, name, file: file,
        line: line)
    }
  }
}
