import Foundation
import PEFTJSON
import PEFTTestSupport
import XCTest

/// The settings of `peft train`: by option and by file, and those that contradict each other.
final class SettingsTests: XCTestCase {
  private func withRows(_ body: (_ data: String, _ folder: URL) throws -> Void) throws {
    try Files.withTemporaryFolder { folder in
      let data = folder.appendingPathComponent("rows.jsonl")
      try Data("{\"prompt\": \"One\", \"completion\": \" day\"}\n".utf8).write(to: data)
      try body(data.path, folder)
    }
  }

  func testPatternsFromAFile() throws {
    try withRows { data, folder in
      let settings = folder.appendingPathComponent("settings.json")
      try Data(
        #"{"targets": "q_proj,v_proj", "rank": 4, "rank-pattern": "layers.1.self_attn.q_proj=2"}"#
          .utf8
      ).write(to: settings)
      let output = folder.appendingPathComponent("adapter").path
      let run = try CommandRun([
        "train", "--config", settings.path, "--data", data, "--steps", "1", "--output", output,
        "--json",
      ]).json()
      // Four blocks of D 128 with four and two heads of 32; one query map has rank 2 in place of 4.
      XCTAssertEqual(run["trainable"]?.integer, 4 * 4 * (256 + 192) - 2 * 256)
      let text = try String(contentsOfFile: output + "/adapter_config.json", encoding: .utf8)
      XCTAssertEqual(
        try JSON(parsing: text.utf8)["rank_pattern"]?["layers.1.self_attn.q_proj"]?.integer, 2)
    }
  }

  func testSettingsThatWouldBeIgnoredAreErrors() throws {
    try withRows { data, folder in
      let output = folder.appendingPathComponent("output").path
      let cases = [
        ["--adapter", folder.path, "--rank", "3"], ["--momentum", "0.5"],
        ["--method", "full", "--merged"], ["--evaluate-every", "2"],
        ["--rank-pattern", "q_proj"],
      ]
      for words in cases {
        let run = try CommandRun(["train", "--data", data, "--output", output] + words)
        XCTAssertEqual(run.exitCode, 2, "\(words): \(run.errors)")
        XCTAssertFalse(FileManager.default.fileExists(atPath: output), "\(words)")
      }
    }
  }

  func testTheDemoShowsWhatItComputed() throws {
    try Files.withTemporaryFolder { folder in
      let output = folder.appendingPathComponent("demo").path
      let run = try CommandRun(["demo", "--steps", "3", "--output", output, "--json"])
      let figures = try run.json()
      let largest = try XCTUnwrap(figures["largest_output"]?.number)
      XCTAssertGreaterThan(largest, 0)
      for file in ["adapter/adapter_config.json", "merged/model.safetensors"] {
        XCTAssert(FileManager.default.fileExists(atPath: output + "/" + file), file)
      }
      let merged = try CommandRun(["inspect", output + "/merged", "--json"]).json()
      XCTAssertEqual(merged["kind"]?.string, "model")
    }
  }
}
