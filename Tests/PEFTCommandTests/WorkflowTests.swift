import Foundation
import PEFTDefaultModel
import PEFTJSON
import PEFTTestSupport
import XCTest

/// The commands on the built-in model, one after the other.
final class WorkflowTests: XCTestCase {
  func testTrainEvaluateGenerateMergeInspect() throws {
    try Files.withTemporaryFolder { folder in
      let (data, held) = try writeRows(folder)
      let adapter = folder.appendingPathComponent("adapter").path
      let options = [
        "--data", data, "--evaluation", held, "--batch", "4", "--targets", "all-linear",
        "--learning-rate", "0.01", "--rank", "4",
      ]
      let trained = try CommandRun(
        ["train", "--steps", "6", "--output", adapter, "--json"] + options)
      let training = try trained.json()
      let (before, after) = (training["before"]?.number ?? 0, training["after"]?.number ?? 0)
      XCTAssertLessThan(after, before - 0.1)
      // Four blocks of D 128, K 32, 4 and 2 heads, F 352: R times the inputs and outputs of each map.
      let perBlock = (128 + 128) + 2 * (128 + 64) + (128 + 128) + 3 * (128 + 352)
      XCTAssertEqual(training["trainable"]?.integer, 4 * 4 * perBlock)
      XCTAssert(trained.output.contains("q_proj"), "the plan comes first")

      let adapted = try CommandRun(["evaluate", "--adapter", adapter, "--data", held, "--json"])
      XCTAssertEqual(try adapted.json()["loss"]?.number ?? 0, after, accuracy: 1e-6)
      let base = try CommandRun(["evaluate", "--data", held, "--json"])
      XCTAssertEqual(try base.json()["loss"]?.number ?? 0, before, accuracy: 1e-6)

      let merged = folder.appendingPathComponent("merged").path
      let merge = try CommandRun(["merge", "--adapter", adapter, "--output", merged, "--json"])
        .json()
      XCTAssertEqual(merge["weights"]?.integer, 28)
      let scale = merge["largest_output"]?.number ?? 0
      XCTAssertLessThan(merge["written_difference"]?.number ?? 1, 1e-5 * scale)
      let whole = try CommandRun(["evaluate", "--model", merged, "--data", held, "--json"])
      XCTAssertEqual(try whole.json()["loss"]?.number ?? 0, after, accuracy: 1e-5)

      let inspected = try CommandRun(["inspect", adapter, "--tensors", "--json"])
      let content = try inspected.json()
      XCTAssertEqual(content["kind"]?.string, "adapter")
      XCTAssertEqual(content["tensors"]?.integer, 2 * 28)
      XCTAssertEqual(content["parameters"]?.integer, training["trainable"]?.integer)
      XCTAssertEqual(content["bytes"]?.integer, 4 * (training["trainable"]?.integer ?? 0))
      XCTAssertEqual(content["configuration"]?["r"]?.integer, 4)
      XCTAssert(inspected.output.contains("model.layers.3.mlp.down_proj.lora_B.weight"))

      try generate(adapter)
    }
  }

  /// The same seed draws the same text, streamed or not; another seed another one.
  private func generate(_ adapter: String) throws {
    func text(_ seed: String) throws -> String {
      let run = try CommandRun([
        "generate", "--prompt", "One day", "--tokens", "24", "--temperature", "1.2", "--top-k",
        "40", "--adapter", adapter, "--seed", seed, "--ignore-end", "--json",
      ])
      let result = try run.json()
      let text = result["text"]?.string ?? ""
      XCTAssertEqual(result["tokens"]?.integer, 24)
      XCTAssert(run.output.hasPrefix(text + "\n"), "the streamed text is \(run.output)")
      return text
    }
    let first = try text("1")
    XCTAssertEqual(first, try text("1"))
    XCTAssertNotEqual(first, try text("2"))
  }

  func testStatisticsOfGeneration() throws {
    var bytes: [Int] = []
    for cache in ["float32", "8bit", "4bit"] {
      let run = try CommandRun([
        "generate", "--prompt", "One day", "--tokens", "160", "--ignore-end", "--cache", cache,
        "--stats", "--json",
      ])
      let result = try run.json()
      XCTAssertEqual(result["tokens"]?.integer, 160)
      XCTAssertGreaterThan(result["tokens_per_second"]?.number ?? 0, 0)
      XCTAssertGreaterThan(result["prompt_tokens"]?.integer ?? 0, 0)
      let count = try XCTUnwrap(result["cache_bytes"]?.integer)
      XCTAssert(run.errors.contains("tokens a second; keys and values took"), run.errors)
      bytes.append(count)
    }
    // Four layers with two heads of width 32, in three blocks of 64 tokens.
    XCTAssertEqual(bytes[0], 4 * 3 * 64 * 2 * 2 * 32 * 4)
    XCTAssertLessThan(bytes[1], bytes[0])
    XCTAssertLessThan(bytes[2], bytes[1])
    let wrong = try CommandRun(["generate", "--cache", "3bit"])
    XCTAssertEqual(wrong.exitCode, 2)
    XCTAssert(wrong.errors.contains("float32, 8bit, 4bit"), wrong.errors)
  }

  func testSettingsFileMeansTheSameAsOptions() throws {
    try Files.withTemporaryFolder { folder in
      let (data, _) = try writeRows(folder)
      let path = { folder.appendingPathComponent($0).path }
      let settings = """
        {"steps": 1, "batch": 2, "rank": 99, "targets": ["q_proj", "v_proj"], "rslora": true,
         "learning_rate": 1e-3, "seed": 3}
        """
      try settings.write(toFile: path("settings.json"), atomically: true, encoding: .utf8)
      let common = ["train", "--data", data]
      let byFile = try CommandRun(
        common + ["--config", path("settings.json"), "--rank", "2", "--output", path("a")])
      let byOptions = try CommandRun(
        common + [
          "--steps", "1", "--batch", "2", "--rank=2", "--targets", "q_proj,v_proj", "--rslora",
          "--learning-rate", "0.001", "--seed", "3", "--output", path("b"),
        ])
      XCTAssertEqual(byFile.exitCode, 0, byFile.errors)
      XCTAssertEqual(byOptions.exitCode, 0, byOptions.errors)
      for name in ["adapter_config.json", "adapter_model.safetensors"] {
        let files = [path("a/\(name)"), path("b/\(name)")].map(FileManager.default.contents)
        XCTAssertNotNil(files[0])
        XCTAssertEqual(files[0], files[1], name)
      }
    }
  }

  func testUnknownAndUnfitSettingsAreErrors() throws {
    try Files.withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("settings.json").path
      for (settings, message) in [
        ("{\"ranks\": 8}", "unknown setting \"ranks\"; did you mean \"rank\""),
        ("{\"rank\": \"many\"}", "\"rank\" is many, expected a whole number"),
        ("{\"top_k\": 1}", "unknown setting \"top_k\""),
        ("{\"max-length\": 8, \"max_length\": 9}", "\"max_length\" is set twice"),
        ("{\"rank\": {}}", "\"rank\" is {}"), ("{\"rslora\": 1}", "expected true or false"),
        ("[1]", "expected an object"), ("{", "JSON"),
      ] {
        try settings.write(toFile: file, atomically: true, encoding: .utf8)
        let run = try CommandRun(["train", "--data", "x", "--output", "y", "--config", file])
        XCTAssertEqual(run.exitCode, 1, settings)
        XCTAssert(run.errors.contains(message), "\(settings): \(run.errors)")
      }
    }
  }

  func testNothingIsTrainedWhereATargetMatchesNothing() throws {
    try Files.withTemporaryFolder { folder in
      let (data, _) = try writeRows(folder)
      let output = folder.appendingPathComponent("adapter").path
      let run = try CommandRun(["train", "--data", data, "--output", output, "--targets", "q_porj"])
      XCTAssertEqual(run.exitCode, 1)
      XCTAssert(run.errors.contains("q_porj") && run.errors.contains("q_proj"), run.errors)
      XCTAssertFalse(FileManager.default.fileExists(atPath: output))
    }
  }

  /// Rows to learn from and others to measure on.
  private func writeRows(_ folder: URL) throws -> (data: String, held: String) {
    var rows = WeatherRows(seed: 5)
    let paths = ["data.jsonl", "held.jsonl"].map { folder.appendingPathComponent($0).path }
    for (path, count) in zip(paths, [24, 6]) {
      let lines = rows.rows(count).map { row in
        JSON.object([
          .init("prompt", .string(row.prompt)), .init("completion", .string(row.completion)),
        ]).text(.compact)
      }
      try (lines.joined(separator: "\n") + "\n")
        .write(toFile: path, atomically: true, encoding: .utf8)
    }
    return (paths[0], paths[1])
  }
}
