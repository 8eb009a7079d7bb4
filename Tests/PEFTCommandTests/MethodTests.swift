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
      (["--method", "delta-lora", "--rank", "2"], "DELTA_LORA", 4 * 2 * (256 + 192)),
      (["--method", "shira", "--rank", "2"], "SHIRA", 4 * 2 * (256 + 192)),
      (["--method", "p-tuning", "--set", "num_virtual_tokens=2"], "P_TUNING", nil),
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
      (["--method", "full", "--precision", "nf4"], "exclude each other"),
      (["--method", "lora", "--precision", "int4"], "float32, bfloat16, int8, nf4, fp4"),
      (["--method", "lora", "--start-rows", "4"], "--start-rows would do nothing"),
      (["--method", "lora-ga", "--set", "direction=up"], "ArB2r"),
      (["--method", "lora-ga", "--set", "rho=2"], "the method lora-ga has no setting \"rho\""),
      (["--method", "fish-mask", "--set", "share=0.1", "--set", "count=4"], "share, count and r"),
      (["--method", "fish-mask", "--set", "scorer=best"], "squared_gradient"),
      (["--method", "longlora", "--set", "position_factor=0"], "a positive number"),
      (
        ["--method", "longlora", "--set", "group_size=4", "--set", "group_size_ratio=0.5"],
        "either it or group_size_ratio"
      ),
    ]
    for (words, message) in cases {
      try train(words) { run, output in
        XCTAssertEqual(run.exitCode, 2, "\(words): \(run.errors)")
        XCTAssert(run.errors.contains(message), "\(words): \(run.errors)")
        XCTAssertFalse(FileManager.default.fileExists(atPath: output))
      }
    }
  }

  /// Methods that look at the base and at rows before they start.
  func testMethodsThatStartFromData() throws {
    let rows = ["--set", "r=2", "--start-rows", "1"]
    let cases: [(words: [String], type: String, trainable: Int?)] = [
      // Rank two on the maps of queries and values; EVA deals the same ranks out otherwise.
      (["--method", "eva", "--set", "rho=1"] + rows, "LORA", 4 * 2 * (256 + 192)),
      (["--method", "lora-ga", "--set", "direction=random"] + rows, "LORA", 4 * 2 * (256 + 192)),
      (["--method", "loftq", "--rank", "2", "--set", "loftq_iter=2"], "LORA", 4 * 2 * (256 + 192)),
      (["--method", "qlora", "--rank", "1", "--targets", "q_proj"], "LORA", 4 * 256),
      (["--method", "fish-mask", "--set", "count=70", "--start-rows", "1"], "SPARSE_DELTA", 70),
      (["--method", "fish-mask"] + rows + ["--set", "scope=layer"], "SHIRA", nil),
      (["--method", "gps", "--set", "count=3"], "SPARSE_DELTA", 4 * 3 * 192),
    ]
    for (words, type, trainable) in cases {
      try train(words) { run, output in
        let result = try run.json()
        if let trainable { XCTAssertEqual(result["trainable"]?.integer, trainable, "\(words)") }
        XCTAssertEqual(try fields(output)["peft_type"]?.string, type, "\(words)")
      }
    }
  }

  /// A DyLoRA is measured at every rank, and each rank is a plain LoRA.
  func testEveryRankOfDyLoRA() throws {
    try Files.withTemporaryFolder { folder in
      let data = folder.appendingPathComponent("rows.jsonl").path
      try Data("{\"prompt\": \"One\", \"completion\": \" day\"}\n".utf8)
        .write(to: URL(fileURLWithPath: data))
      let adapter = folder.appendingPathComponent("adapter").path
      _ = try CommandRun([
        "train", "--method", "dylora", "--rank", "3", "--steps", "6", "--learning-rate", "0.01",
        "--data", data, "--output", adapter, "--json",
      ]).json()
      func evaluate(_ adapter: String) throws -> JSON {
        try CommandRun(["evaluate", "--data", data, "--adapter", adapter, "--json"]).json()
      }
      let measured = try evaluate(adapter)
      let losses = try XCTUnwrap(measured["ranks"]?.elements).compactMap(\.number)
      XCTAssertEqual(losses.count, 3)
      XCTAssertEqual(losses[2], try XCTUnwrap(measured["loss"]?.number), accuracy: 1e-6)
      let plain = folder.appendingPathComponent("plain").path
      let words = ["export", "--format", "peft", "--output", plain]
      let exported = try CommandRun(words + ["--adapter", adapter, "--rank", "2"])
      XCTAssertEqual(exported.exitCode, 0, exported.errors)
      XCTAssertEqual(try fields(plain)["peft_type"]?.string, "LORA")
      let other = try evaluate(plain)
      XCTAssertEqual(try XCTUnwrap(other["loss"]?.number), losses[1], accuracy: 1e-5)
      XCTAssertNil(other["ranks"])
      let refused = try CommandRun([
        "export", "--format", "peft", "--output", plain + "2", "--adapter", plain, "--rank", "2",
      ])
      XCTAssert(refused.errors.contains("--rank is for DyLoRA"), refused.errors)
    }
  }

  /// The base of LoftQ stands beside its adapter, and the two together are what was trained.
  func testTheBaseOfLoftQ() throws {
    try Files.withTemporaryFolder { folder in
      let data = folder.appendingPathComponent("rows.jsonl").path
      try Data("{\"prompt\": \"One\", \"completion\": \" day\"}\n".utf8)
        .write(to: URL(fileURLWithPath: data))
      let output = folder.appendingPathComponent("adapter").path
      let words = [
        "train", "--method", "loftq", "--targets", "all-linear", "--steps", "2", "--data", data,
        "--learning-rate", "0.01", "--evaluation", data, "--output", output, "--json",
      ]
      let trained = try CommandRun(words).json()
      let again = try CommandRun(words)
      XCTAssertEqual(again.exitCode, 0, again.errors)
      XCTAssertEqual(try fields(output)["base_model_name_or_path"]?.string, output + "/base")
      func loss(_ place: [String]) throws -> Double {
        let run = try CommandRun(["evaluate", "--data", data, "--json"] + place).json()
        return try XCTUnwrap(run["loss"]?.number)
      }
      let after = try XCTUnwrap(trained["after"]?.number)
      XCTAssertEqual(
        try loss(["--model", output + "/base", "--adapter", output]), after, accuracy: 1e-6)
      // Without the adapter the base in four bits is not the base.
      XCTAssertNotEqual(try loss(["--model", output + "/base"]), try loss([]), accuracy: 1e-4)
    }
  }

  /// Positions that were divided for the training are so wherever the adapter is loaded.
  func testPositionsOfLongLoRA() throws {
    let words = [
      "--method", "longlora", "--rank", "2", "--set", "position_factor=2", "--set", "group_size=4",
      "--set", "train_embeddings=false", "--learning-rate", "0.01",
    ]
    try train(words) { run, output in
      // Rank two on all four maps of attention, and nine norms.
      XCTAssertEqual(
        try run.json()["trainable"]?.integer, 4 * 2 * (256 + 192 + 192 + 256) + 9 * 128)
      let stored = try fields(output)["longlora"]
      XCTAssertEqual(stored?["position_factor"]?.number, 2)
      XCTAssertEqual(stored?["group_size"]?.integer, 4)
      let merged = try CommandRun([
        "merge", "--adapter", output, "--output", output + "-merged", "--json",
      ]).json()
      XCTAssertLessThan(try XCTUnwrap(merged["written_difference"]?.number), 1e-3)
      let configuration = try JSON(
        parsing: Data(contentsOf: URL(fileURLWithPath: output + "-merged/config.json")))
      XCTAssertEqual(configuration["rope_scaling"]?["factor"]?.number, 2)
    }
    // The embedding is trained with its 1,024 rows where nothing is said against it.
    try train(["--method", "longlora", "--set", "train_norms=false", "--rank", "1"]) { run, _ in
      let count = try XCTUnwrap(run.json()["trainable"]?.integer)
      XCTAssertEqual((count - 4 * (256 + 192 + 192 + 256)) % 128, 0)
      XCTAssertGreaterThan(count, 100_000)
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
