import Foundation
import PEFTTestSupport
import XCTest

/// What is said about files that are not what they should be.
final class MessageTests: XCTestCase {
  private func withFiles(_ body: (_ path: (String) -> String) throws -> Void) throws {
    try Files.withTemporaryFolder { folder in
      let path = { (name: String) in folder.appendingPathComponent(name).path }
      let files = [
        "rows.jsonl": "{\"prompt\": \"One\", \"completion\": \" day\"}\n",
        "gap.jsonl":
          "{\"text\": \"One\"}\n{\"prompt\": \"One\", \"completion\": \"\"}\n{\"prompt\": \"\", \"completion\": \"\"}\n",
        "empty.jsonl": "", "text.txt": "Once upon a time",
        "text.jsonl": "Once upon a time",
      ]
      for (name, text) in files { try Data(text.utf8).write(to: URL(fileURLWithPath: path(name))) }
      try FileManager.default.createDirectory(
        atPath: path("folder"), withIntermediateDirectories: true)
      try body(path)
    }
  }

  func testFilesAndFoldersOfTheWrongKind() throws {
    try withFiles { path in
      let adapter = path("adapter")
      let trained = try CommandRun([
        "train", "--data", path("rows.jsonl"), "--steps", "1", "--output", adapter,
      ])
      XCTAssertEqual(trained.exitCode, 0, trained.errors)
      let base = Files.fixture("Oracle/llama-lora/base").path
      let cases: [(words: [String], message: String)] = [
        (["evaluate", "--data", path("folder")], "is a folder, and a file is expected"),
        (["evaluate", "--data", path("empty.jsonl")], "no rows: the file is empty"),
        (["evaluate", "--data", path("none.txt")], "does not exist"),
        (
          ["train", "--data", path("folder"), "--output", path("o")],
          "is a folder, and a file is expected"
        ),
        (
          ["train", "--data", path("text.jsonl"), "--output", path("o")],
          "text.jsonl:1: expected a JSON object on one line"
        ),
        (["inspect", path("text.txt")], "is neither a model or adapter folder nor a file"),
        (["inspect", path("folder")], "holds neither config.json nor adapter_config.json"),
        (["generate", "--model", path("folder")], "holds no config.json"),
        (["generate", "--model", path("text.txt")], "is a file, where --model expects a model"),
        (["generate", "--model", adapter], "is an adapter folder"),
        (["generate", "--adapter", base], "is a model folder, where --adapter expects an adapter"),
        (
          [
            "train", "--data", path("rows.jsonl"), "--output", path("o"), "--exclude",
            "q_proj,v_proj",
          ],
          "all 8 targets (q_proj, v_proj) are excluded"
        ),
      ]
      for (words, message) in cases {
        let run = try CommandRun(words)
        XCTAssertEqual(run.exitCode, 1, "\(words): \(run.errors)")
        XCTAssert(run.errors.contains(message), "\(words): \(run.errors)")
      }
    }
  }

  func testAnAdapterOfAnotherBase() throws {
    let adapter = Files.fixture("Oracle/llama-lora/adapter_final").path
    let run = try CommandRun(["generate", "--adapter", adapter])
    XCTAssertEqual(run.exitCode, 1)
    XCTAssert(run.errors.contains("probably not the base that it was made for"), run.errors)
    XCTAssert(run.errors.contains("of another shape"), run.errors)
    XCTAssertLessThan(run.errors.count, 1200, run.errors)
  }

  func testEmptyCompletionsAreCounted() throws {
    try withFiles { path in
      let run = try CommandRun([
        "train", "--data", path("gap.jsonl"), "--steps", "1", "--output", path("o"),
      ])
      XCTAssertEqual(run.exitCode, 0, run.errors)
      XCTAssert(run.errors.contains("2 rows have nothing to learn but the end"), run.errors)
      XCTAssert(run.errors.contains("line 2 is the first"), run.errors)
    }
  }

  /// Of a log, every line costs: what is redrawn on a terminal is not repeated there.
  func testProgressOffATerminal() throws {
    try withFiles { path in
      let run = try CommandRun([
        "train", "--data", path("rows.jsonl"), "--steps", "30", "--output", path("o"),
      ])
      XCTAssertEqual(run.exitCode, 0, run.errors)
      let lines = run.errors.split(separator: "\n")
      XCTAssertLessThanOrEqual(lines.count { $0.hasPrefix("training 30/30") }, 1, run.errors)
      XCTAssertFalse(run.errors.contains("\r"), run.errors)
      XCTAssertEqual(
        run.output.components(separatedBy: "\n30 steps in ").count, 2, run.output)
    }
  }

  /// A pickle is never opened, wherever it stands, and what to do is said.
  func testPicklesAreRefusedWithAHint() throws {
    try Files.withTemporaryFolder { folder in
      let path = { folder.appendingPathComponent($0).path }
      try Data([0x80, 2]).write(to: folder.appendingPathComponent("loralib.pt"))
      try FileManager.default.createDirectory(
        atPath: path("bin"), withIntermediateDirectories: true)
      try Data([0x80, 2]).write(to: folder.appendingPathComponent("bin/adapter_model.bin"))
      for name in ["loralib.pt", "bin"] {
        for words in [
          ["inspect", path(name)], ["lint", path(name)],
          ["merge", "--adapter", path(name), "--output", path("merged")],
          ["export", "--adapter", path(name), "--format", "peft", "--output", path("out")],
          ["evaluate", "--adapter", path(name), "--data", path("loralib.pt")],
        ] {
          let run = try CommandRun(words)
          XCTAssertNotEqual(run.exitCode, 0, "\(words)")
          let text = run.output + run.errors
          XCTAssertTrue(text.contains("is not opened: ") && text.contains("Python"), text)
        }
      }
    }
  }
}
