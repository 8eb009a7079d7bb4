import Foundation
import PEFT
import PEFTJSON
import PEFTTestSupport
import XCTest

final class TrainingControlTests: XCTestCase {
  /// Everything at once, interrupted in the middle, ends with the same bytes and the same log.
  func testAResumedTrainingWithAllOfThemEndsWithTheSameBytes() throws {
    try Files.withTemporaryFolder { folder in
      let data = try rows(folder)
      let run = folder.path + "/run"
      let words = [
        "train", "--data", data, "--evaluation", data, "--output", run, "--anomalies", "skip",
        "--steps", "8", "--batch",
        "2", "--learning-rate", "0.01", "--dropout", "0.1", "--checkpoint-every", "2",
        "--keep-checkpoints", "9", "--evaluate-every", "2", "--log", "jsonl,csv", "--neftune", "5",
        "--average-decay", "0.8", "--patience", "50", "--keep-best", "--change",
        "3:learning-rate=0.02", "--change", "6:clip=0.1", "--sample-every", "4",
        "--sample-prompt", "Day 3: & <", "--sample-tokens", "6",
      ]
      let whole = try CommandRun(words)
      XCTAssertEqual(whole.exitCode, 0, whole.errors)
      XCTAssertTrue(whole.errors.contains("sample after step 4  Day 3: & < >> "), whole.errors)
      XCTAssertTrue(whole.errors.contains("learning_rate changed from 0.01 to 0.02"), whole.errors)
      let files = ["adapter_model.safetensors", "checkpoint-8/training_state.safetensors"]
      let before = try files.map { try Data(contentsOf: URL(fileURLWithPath: "\(run)/\($0)")) }
      let log = try JSONLinesLog.read(run + "/log.jsonl")
      XCTAssertEqual(log.filter { $0.kind == "sample" }.map(\.step), [0, 4, 8])
      XCTAssertEqual(log.filter { $0.kind == "change" }.map(\.step), [4, 7])
      let settings = try XCTUnwrap(log.first { $0.kind == "settings" })
      XCTAssertEqual(settings.texts["average-decay"], "0.8")
      XCTAssertGreaterThan(try XCTUnwrap(settings["float32_gflops"]), 0)
      let ranks = try XCTUnwrap(log.first { $0.kind == "ranks" })
      XCTAssertEqual(ranks.numbers.map(\.value), Array(repeating: 8, count: 8))
      let steps = log.filter { $0.kind == "step" }
      XCTAssertTrue(steps.allSatisfy { $0["gflops"] ?? 0 > 0 && $0["pool_bytes"] ?? 0 > 0 })
      for name in ["checkpoint-6", "checkpoint-8", files[0]] {
        try FileManager.default.removeItem(atPath: "\(run)/\(name)")
      }
      let resumed = try CommandRun(["train", "--output", run, "--resume"])
      XCTAssertEqual(resumed.exitCode, 0, resumed.errors)
      XCTAssertTrue(resumed.output.contains("going on after step 4"), resumed.output)
      XCTAssertEqual(
        try files.map { try Data(contentsOf: URL(fileURLWithPath: "\(run)/\($0)")) }, before)
      let kinds = { (entries: [LogEntry]) in
        // A run that goes on says again what the ranks are.
        entries.filter { $0.kind != "ranks" }.map { "\($0.kind) \($0.step)" }
      }
      XCTAssertEqual(kinds(try JSONLinesLog.read(run + "/log.jsonl")), kinds(log))
      XCTAssertEqual(
        try String(contentsOfFile: run + "/log.csv", encoding: .utf8).split(separator: "\n").count,
        1 + 8 + 5)
    }
  }

  func testTheBestWeightsAreSaved() throws {
    try Files.withTemporaryFolder { folder in
      let data = try rows(folder)
      // A rate that is far too large spoils the weights after the first steps.
      let result = try CommandRun([
        "train", "--data", data, "--evaluation", data, "--output", folder.path + "/run", "--steps",
        "9", "--batch", "3", "--learning-rate", "0.002", "--change", "4:learning-rate=0.5",
        "--evaluate-every", "2", "--keep-best", "--patience", "2", "--schedule", "constant",
        "--targets", "all-linear",
        "--json",
      ])
      let json = try result.json()
      XCTAssertTrue(result.output.contains("was that after step 4"), result.output)
      XCTAssertTrue(result.output.contains("ended after step 8"), result.output)
      XCTAssertEqual(json["steps"]?.integer, 8)
      XCTAssertLessThan(
        try XCTUnwrap(json["after"]?.number), try XCTUnwrap(json["before"]?.number))
      for file in ["adapter_model.safetensors", "adapter_config.json"] {
        XCTAssertEqual(
          try Data(contentsOf: folder.appendingPathComponent("run/\(file)")),
          try Data(contentsOf: folder.appendingPathComponent("run/checkpoint-best/\(file)")))
      }
    }
  }

  func testAStepThatCannotBeIsPutAside() throws {
    try Files.withTemporaryFolder { folder in
      let data = try rows(folder)
      func train(_ words: String...) throws -> CommandRun {
        try CommandRun(
          [
            "train", "--data", data, "--output", folder.path + "/run", "--steps", "8", "--batch",
            "3", "--learning-rate", "0.002", "--change", "4:learning-rate=300", "--schedule",
            "constant", "--targets", "all-linear", "--log", "jsonl",
          ] + words)
      }
      let stopped = try train()
      XCTAssertEqual(stopped.exitCode, 1)
      let file = folder.path + "/run/anomaly-6.json"
      XCTAssertTrue(stopped.errors.contains("the training ends  batch in \(file)"), stopped.errors)
      XCTAssertTrue(stopped.errors.contains("of step 6 is"), stopped.errors)
      let json = try JSON(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: file))))
      XCTAssertEqual(json["batches"]?.elements?.first?["ids"]?.elements?.count, 3)
      let log = try JSONLinesLog.read(folder.path + "/run/log.jsonl")
      XCTAssertEqual(log.last?.kind, "anomaly")
      XCTAssertEqual(log.last?.texts["file"], file)
      let skipped = try train("--anomalies", "skip")
      XCTAssertEqual(skipped.exitCode, 0, skipped.errors)
      XCTAssertTrue(skipped.errors.contains("the step is skipped"), skipped.errors)
    }
  }

  func testWrongUse() throws {
    try Files.withTemporaryFolder { folder in
      let data = try rows(folder)
      let cases: [(words: [String], message: String)] = [
        (["--patience", "2"], "--evaluate-every has to be given"),
        (["--keep-best", "--evaluate-every", "2"], "--evaluation has to be given"),
        (["--minimum-improvement", "0.1"], "--patience has to be given"),
        (["--average-decay", "1"], "--average-decay is \"1\""),
        (["--average-decay", "0.9", "--average-last", "3"], "exclude each other"),
        (["--average-last", "3", "--method", "adalora", "--steps", "9"], "method adalora"),
        (["--change", "3:rank=4"], "STEP:NAME=VALUE, of which the name is learning-rate, clip"),
        (["--change", "learning-rate=4"], "--change is \"learning-rate=4\""),
        (["--sample-tokens", "3"], "--sample-every has to be given"),
        (["--anomalies", "shout"], "stop, skip, note"),
        (["--anomaly-threshold", "3"], "--anomalies has to be given"),
        (["--neftune", "-1"], "--neftune is \"-1\""),
      ]
      for (words, message) in cases {
        let run = try CommandRun(
          ["train", "--data", data, "--output", folder.path + "/out"] + words)
        XCTAssertEqual(run.exitCode, 2, "\(words): \(run.errors)")
        XCTAssertTrue(run.errors.contains(message), "\(words): \(run.errors)")
      }
    }
  }

  private func rows(_ folder: URL) throws -> String {
    let data = folder.appendingPathComponent("rows.jsonl")
    let rows = (0..<9).map { "{\"text\": \"Day \($0): rain, and a wind of \($0 * 7 % 10).\"}\n" }
    try Data(rows.joined().utf8).write(to: data)
    return data.path
  }
}
