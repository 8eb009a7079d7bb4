import Foundation
import PEFTJSON
import PEFTTestSupport
import XCTest

/// A real model against figures of Transformers, where model and texts lie beside the package.
final class SharedDataTests: XCTestCase {
  /// The rows are those of the last sixty meanings of E2E's validation file; prompt and text are encoded each by itself.
  func testLossOfTheTaskBeforeTraining() throws {
    let model = try Files.shared("data/stories260K-hf").path
    let file = try Files.shared("data/e2e/valid.txt")
    try Files.withTemporaryFolder { folder in
      let rows = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        .map { $0.components(separatedBy: "||") }.filter { $0.count > 1 }
      var seen: Set<String> = []
      let meanings = rows.map { $0[0] }.filter { seen.insert($0).inserted }
      let held = Set(meanings.suffix(60))
      let lines = rows.filter { held.contains($0[0]) }.map { row in
        let parts = row.map { $0.trimmingCharacters(in: .whitespaces) }
        return JSON.object([
          .init("prompt", .string(parts[0] + " =>")), .init("completion", .string(" " + parts[1])),
        ]).text(.compact)
      }
      let data = folder.appendingPathComponent("held.jsonl").path
      try lines.joined(separator: "\n").write(toFile: data, atomically: true, encoding: .utf8)
      let run = try CommandRun(["evaluate", "--model", model, "--data", data, "--json"]).json()
      XCTAssertEqual(run["loss"]?.number ?? 0, 4.842, accuracy: 0.002)
    }
  }

  /// A debug build takes the first stories only, to be done in time.
  func testLossOfStories() throws {
    let model = try Files.shared("data/stories260K-hf").path
    let file = try Files.shared("data/tinystories/dev.txt")
    try Files.withTemporaryFolder { folder in
      let separator = "<|endoftext|>"
      #if DEBUG
        let (count, loss, tokens) = (150, 1.46869, 58_844)
      #else
        let (count, loss, tokens) = (Int.max, 1.4645, 648_401)
      #endif
      let stories = try String(contentsOf: file, encoding: .utf8)
        .components(separatedBy: separator).prefix(count)
      let data = folder.appendingPathComponent("stories.txt").path
      try stories.joined(separator: separator)
        .write(toFile: data, atomically: true, encoding: .utf8)
      let run = try CommandRun([
        "evaluate", "--model", model, "--data", data, "--separator", separator, "--json",
      ]).json()
      XCTAssertEqual(run["tokens"]?.integer, tokens)
      XCTAssertEqual(run["loss"]?.number ?? 0, loss, accuracy: 0.001)
    }
  }

  func testGreedyTokens() throws {
    let model = try Files.shared("data/stories260K-hf").path
    let expected = try String(
      contentsOf: Files.shared("data/stories260K/greedy_200.txt"), encoding: .utf8)
    let run = try CommandRun(["generate", "--model", model, "--tokens", "200", "--json"])
    XCTAssertEqual(try run.json()["text"]?.string, expected)
  }
}
