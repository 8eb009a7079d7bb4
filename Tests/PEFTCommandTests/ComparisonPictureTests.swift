import Foundation
import PEFTJSON
import PEFTTestSupport
import XCTest

/// The picture of a comparison whose points lie close together.
final class ComparisonPictureTests: XCTestCase {
  private let names = [
    "full", "lora", "rslora", "lora-plus", "lora-fa", "dora", "pissa", "olora", "eva", "lora-ga",
    "loftq", "qlora", "adalora", "dylora", "delta-lora", "longlora", "loha", "lokr", "vera",
    "shira",
    "fish-mask", "gps", "random-subspace", "quantum-pauli", "quantum-taylor", "rosa", "houlsby",
    "pfeiffer", "prefix-tuning", "prompt-tuning", "p-tuning", "ia3", "ln-tuning",
  ]

  func testNoNameCoversAnotherOrAPoint() throws {
    try Files.withTemporaryFolder { folder in
      let results = folder.appendingPathComponent("results.json")
      try Data(self.results.text(.compact).utf8).write(to: results)
      let output = folder.appendingPathComponent("output").path
      let run = try CommandRun(["compare", "--from", results.path, "--output", output])
      XCTAssertEqual(run.exitCode, 0, run.errors)
      let picture = try XCTUnwrap(FileManager.default.contents(atPath: output + "/compare.svg"))
      let parsed = try PictureTexts(picture)
      let points = parsed.circles.filter { $0.y > 84 }
      XCTAssertEqual(points.count, names.count)
      // Names are the texts inside the frame.
      let labels = parsed.elements.compactMap { element -> CGRect? in
        guard let x = Double(element.attributes["x"] ?? ""),
          let y = Double(element.attributes["y"] ?? ""), x > 76, y > 84, y < 794
        else { return nil }
        let width = 6.5 * Double(element.text.count)
        let sides = ["start": 0, "middle": 0.5, "end": 1.0]
        let left = x - width * (sides[element.attributes["text-anchor"] ?? "start"] ?? 0)
        return CGRect(x: left, y: y - 10, width: width, height: 12)
      }
      XCTAssertEqual(labels.count, names.count)
      for (index, label) in labels.enumerated() {
        XCTAssertFalse(labels[(index + 1)...].contains { $0.intersects(label) }, "\(label)")
        XCTAssertFalse(points.contains { label.contains(CGPoint(x: $0.x, y: $0.y)) }, "\(label)")
      }
      // Showing it again changes nothing.
      let again = try CommandRun([
        "compare", "--from", output + "/results.json", "--output", output + "2",
      ])
      XCTAssertEqual(again.exitCode, 0, again.errors)
      for file in ["table.md", "results.json", "compare.svg"] {
        XCTAssertEqual(
          FileManager.default.contents(atPath: output + "/" + file),
          FileManager.default.contents(atPath: output + "2/" + file), file)
      }
    }
  }

  func testOtherFilesAreRefused() throws {
    try Files.withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("results.json")
      try Data("{\"methods\": []}".utf8).write(to: file)
      let output = folder.appendingPathComponent("output").path
      let run = try CommandRun(["compare", "--from", file.path, "--output", output])
      XCTAssertEqual(run.exitCode, 1)
      XCTAssert(run.errors.contains("is not the results.json of a comparison"), run.errors)
      let both = try CommandRun(["compare", "--from", file.path, "--seeds", "2"])
      XCTAssertEqual(both.exitCode, 2)
    }
  }

  /// Losses within a tenth and times within a millisecond of each other.
  private var results: JSON {
    let methods = names.enumerated().map { index, name in
      let loss = 0.3 + 0.003 * Double(index * 7 % 33)
      return JSON.object([
        .init("name", .string(name)), .init("size", .integer(4)), .init("trainable", .integer(100)),
        .init("adapter_bytes", .integer(400)),
        .init("losses", .array([loss - 0.004, loss, loss + 0.004].map(JSON.number))),
        .init("step_s", .array([.number(0.02 + 0.0001 * Double(index * 5 % 33))])),
        .init("peak_bytes", .integer(70_000_000)), .init("mergeable", .bool(index % 2 == 0)),
        .init("merged_difference", .number(1e-6)), .init("not_merged", .string("it is not linear")),
        .init("failed", .null), .init("seconds", .number(4)),
      ])
    }
    return .object([
      .init("data", .string("a")), .init("evaluation", .string("b")), .init("steps", .integer(100)),
      .init("batch", .integer(8)), .init("max_length", .integer(256)), .init("seeds", .integer(3)),
      .init("rank", .integer(4)), .init("budget", .integer(100)),
      .init("learning_rate_factor", .number(1)), .init("base_loss", .number(8.3)),
      .init("seconds", .number(60)), .init("methods", .array(methods)),
    ])
  }
}
