import Foundation
import PEFTJSON
import PEFTTestSupport
import XCTest

/// `peft train --method`: every method by its name, with the settings of its own.
final class MethodTests: XCTestCase {
  private func train(
    _ words: [String], _ body: (_ run: CommandRun, _ output: String) throws -> Void
  ) throws {
    try Files.withTemporaryFolder { folder in
      let data = folder.appendingPathComponent("rows.jsonl")
      try Data("{\"prompt\": \"One\", \"completion\": \" day\"}\n".utf8).write(to: data)
      let output = folder.appendingPathComponent("adapter").path
      let run = try CommandRun(
        ["train", "--data", data.path, "--steps", "1", "--output", output, "--json"] + words)
      try body(run, output)
    }
  }

  private func fields(_ output: String) throws -> JSON {
    try JSON(parsing: Data(contentsOf: URL(fileURLWithPath: output + "/adapter_config.json")))
  }

  func testMethodsTrain() throws {
    // The built-in model has four blocks of width 128, with keys and values of 64.
    let cases: [(words: [String], type: String, trainable: Int?)] = [
      (["--method", "lora-fa", "--rank", "2"], "LORA", 4 * 2 * 192),
      (["--method", "ln-tuning"], "LN_TUNING", 9 * 128),
      (["--method", "vera", "--rank", "16"], "VERA", 4 * (2 * 16 + 128 + 64)),
      (
        ["--method", "pfeiffer", "--rank", "4", "--set", "train_norms=false"], "BOTTLENECK",
        4 * (2 * 4 * 128 + 4 + 128)
      ),
      (["--method", "adalora", "--rank", "2"], "ADALORA", nil),
      (["--method", "shira", "--rank", "2"], "SHIRA", 4 * 2 * (256 + 192)),
    ]
    for (words, type, trainable) in cases {
      try train(words) { run, output in
        let result = try run.json()
        XCTAssertEqual(result["method"]?.string, words[1])
        if let trainable { XCTAssertEqual(result["trainable"]?.integer, trainable, "\(words)") }
        XCTAssertEqual(try fields(output)["peft_type"]?.string, type)
      }
    }
  }

  func testFieldsReachTheFile() throws {
    let words = [
      "--method", "lokr", "--rank", "3", "--alpha", "7", "--targets", "q_proj,up_proj", "--set",
      "decompose_both=true", "--set", "init_weights=lycoris", "--set", "decompose_factor=4",
    ]
    try train(words) { run, output in
      XCTAssertEqual(run.exitCode, 0, run.errors)
      let found = try fields(output)
      XCTAssertEqual(found["r"]?.integer, 3)
      XCTAssertEqual(found["alpha"]?.number, 7)
      XCTAssertEqual(found["decompose_both"]?.bool, true)
      XCTAssertEqual(found["init_weights"]?.string, "lycoris")
      XCTAssertEqual(found["decompose_factor"]?.integer, 4)
      XCTAssertEqual(
        found["target_modules"]?.elements?.compactMap(\.string), ["q_proj", "up_proj"])
    }
  }

  func testSettingsFile() throws {
    try Files.withTemporaryFolder { folder in
      let settings = folder.appendingPathComponent("settings.json")
      try Data(
        #"{"method": "vera", "set": {"d_initial": 0.5, "r": 4, "save_projection": false}}"#.utf8
      )
      .write(to: settings)
      try train(["--config", settings.path, "--set", "r=6"]) { run, output in
        XCTAssertEqual(run.exitCode, 0, run.errors)
        let found = try fields(output)
        XCTAssertEqual(found["d_initial"]?.number, 0.5)
        XCTAssertEqual(found["r"]?.integer, 6)
        XCTAssertEqual(found["save_projection"]?.bool, false)
      }
    }
  }

  func testWhatAMethodDoesNotHave() throws {
    let cases: [(words: [String], message: String)] = [
      (["--method", "lokrs"], "did you mean \"lokr\""),
      (
        ["--method", "lokr", "--set", "decompose_bot=true"],
        "the method lokr has no setting \"decompose_bot\"; did you mean \"decompose_both\""
      ),
      (["--method", "ia3", "--rank", "4"], "--rank would do nothing with the method ia3"),
      (["--method", "lokr", "--set", "r=4", "--rank", "4"], "--rank and --set r exclude"),
      (["--method", "lokr", "--set", "r"], "expected NAME=VALUE"),
      (["--method", "lokr", "--set", "r=2", "--set", "r=3"], "--set r is given twice"),
      (["--method", "lokr", "--set", "init_weights=7"], "\"init_weights\""),
      (["--method", "vera", "--bias", "some"], "none, all or vera_only"),
      (["--method", "full", "--set", "r=2"], "exclude each other"),
    ]
    for (words, message) in cases {
      try train(words) { run, output in
        XCTAssertEqual(run.exitCode, 2, "\(words): \(run.errors)")
        XCTAssert(run.errors.contains(message), "\(words): \(run.errors)")
        XCTAssertFalse(FileManager.default.fileExists(atPath: output))
      }
    }
  }

  /// What cannot be merged is said before anything is trained.
  func testMergingWhatCannotBeMerged() throws {
    try train(["--method", "houlsby", "--merged"]) { run, output in
      XCTAssertEqual(run.exitCode, 1)
      XCTAssert(run.errors.contains("activation"), run.errors)
      XCTAssertFalse(FileManager.default.fileExists(atPath: output))
    }
    try train(["--method", "ia3", "--merged"]) { run, output in
      XCTAssertEqual(run.exitCode, 0, run.errors)
      XCTAssert(FileManager.default.fileExists(atPath: output + "/model.safetensors"))
    }
  }
}
