import Foundation
import PEFT
import PEFTTestSupport
import XCTest

final class ResumeTests: XCTestCase {
  private let options = [
    "--steps", "8", "--batch", "2", "--learning-rate", "0.01", "--dropout", "0.1",
    "--checkpoint-every", "2", "--keep-checkpoints", "9", "--log", "jsonl,csv,tensorboard",
  ]

  /// What was killed after a checkpoint goes on without being told the settings again.
  func testAResumedTrainingEndsWithTheSameBytes() throws {
    try withRun { run, data in
      let whole = try Data(contentsOf: run.appendingPathComponent("adapter_model.safetensors"))
      XCTAssertEqual(try checkpoints(run), [2, 4, 6, 8])
      for step in [8, 6] { try remove(run, "checkpoint-\(step)") }
      try remove(run, "adapter_model.safetensors")
      // A torn file in the newest is passed over.
      let torn = run.appendingPathComponent("checkpoint-4/training_state.safetensors")
      try Data(contentsOf: torn).dropLast(9).write(to: torn)
      let result = try CommandRun(["train", "--output", run.path, "--resume"])
      XCTAssertEqual(result.exitCode, 0, result.errors)
      XCTAssertTrue(result.output.contains("going on after step 2"), result.output)
      XCTAssertTrue(result.output.contains("6 steps in"), result.output)
      XCTAssertTrue(result.errors.contains("passed over: \(torn.path)"), result.errors)
      XCTAssertEqual(
        try Data(contentsOf: run.appendingPathComponent("adapter_model.safetensors")), whole)
      XCTAssertEqual(try checkpoints(run), [2, 4, 6, 8])
      // What the killed run wrote after the checkpoint is not told twice.
      let log = try JSONLinesLog.read(run.path + "/log.jsonl")
      XCTAssertEqual(log.filter { $0.kind == "step" }.map(\.step), Array(1...8))
      XCTAssertEqual(log.filter { $0.kind == "finished" }.count, 1)
      let table = try String(contentsOfFile: run.path + "/log.csv", encoding: .utf8)
      XCTAssertEqual(table.split(separator: "\n").count, 9)
      XCTAssertEqual(
        try FileManager.default.contentsOfDirectory(atPath: run.path + "/tensorboard").count, 2)
    }
  }

  /// Rows that are read while the training runs are read on at the same place.
  func testAResumedStreamEndsWithTheSameBytes() throws {
    let stream = ["--stream", "--shuffle-buffer", "4", "--batch-tokens", "30", "--epochs", "2"]
    let others = options.dropFirst(4) + stream
    try withRun(Array(others)) { run, _ in
      let file = run.appendingPathComponent("adapter_model.safetensors")
      let whole = try Data(contentsOf: file)
      let last = try XCTUnwrap(try checkpoints(run).last)
      XCTAssertGreaterThan(last, 4)
      for step in try checkpoints(run) where step > 2 { try remove(run, "checkpoint-\(step)") }
      try remove(run, "adapter_model.safetensors")
      let result = try CommandRun(["train", "--output", run.path, "--resume"])
      XCTAssertEqual(result.exitCode, 0, result.errors)
      XCTAssertTrue(result.output.contains("going on after step 2"), result.output)
      XCTAssertEqual(try Data(contentsOf: file), whole)
      XCTAssertEqual(try checkpoints(run).last, last)
    }
  }

  func testOtherSettingsAreRefused() throws {
    try withRun { run, data in
      func refusal(_ words: String...) throws -> String {
        let result = try CommandRun(["train", "--output", run.path] + words)
        XCTAssertEqual(result.exitCode, 1, result.output)
        return result.errors
      }
      let rank = try refusal("--resume", "--rank", "4")
      XCTAssertTrue(rank.contains("made with rank not given, now it is \"4\""), rank)
      let steps = try refusal("--resume", "--steps", "9")
      XCTAssertTrue(steps.contains("made with steps \"8\", now it is \"9\""), steps)
      let again = try refusal("--data", data.path)
      XCTAssertTrue(again.contains("go on with --resume"), again)
      try Data("{\"text\": \"Other rows.\"}\n".utf8).write(to: data)
      let rows = try refusal("--resume")
      XCTAssertTrue(rows.contains("made with data (checksum)"), rows)
    }
  }

  func testWithoutACheckpointItBegins() throws {
    try Files.withTemporaryFolder { folder in
      let data = try rows(folder)
      let run = folder.appendingPathComponent("run")
      let result = try CommandRun(
        ["train", "--data", data.path, "--output", run.path, "--resume"] + options)
      XCTAssertEqual(result.exitCode, 0, result.errors)
      XCTAssertTrue(result.output.contains("starting from the beginning"), result.output)
      XCTAssertEqual(try checkpoints(run), [2, 4, 6, 8])
    }
  }

  // MARK: Support

  private func withRun(
    _ options: [String]? = nil, _ body: (_ run: URL, _ data: URL) throws -> Void
  ) throws {
    try Files.withTemporaryFolder { folder in
      let data = try rows(folder)
      let run = folder.appendingPathComponent("run")
      let result = try CommandRun(
        ["train", "--data", data.path, "--output", run.path] + (options ?? self.options))
      XCTAssertEqual(result.exitCode, 0, result.errors)
      try body(run, data)
    }
  }

  private func rows(_ folder: URL) throws -> URL {
    let data = folder.appendingPathComponent("rows.jsonl")
    let rows = (0..<9).map { "{\"text\": \"Day \($0): rain, and a wind of \($0 * 7 % 10).\"}\n" }
    try Data(rows.joined().utf8).write(to: data)
    return data
  }

  private func checkpoints(_ run: URL) throws -> [Int] {
    try FileManager.default.contentsOfDirectory(atPath: run.path)
      .compactMap { $0.hasPrefix("checkpoint-") ? Int($0.dropFirst(11)) : nil }.sorted()
  }

  private func remove(_ run: URL, _ name: String) throws {
    try FileManager.default.removeItem(at: run.appendingPathComponent(name))
  }
}
