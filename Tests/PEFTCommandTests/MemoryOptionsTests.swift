import Foundation
import PEFT
import PEFTTestSupport
import XCTest

/// The options that trade memory: how the base and the state of the optimiser are kept.
final class MemoryOptionsTests: XCTestCase {
  private func train(
    _ options: [String], _ folder: URL, _ name: String, steps: Int = 3,
    rows: [String] = ["A red hat.", "Two dogs run over the wet grass.", "It rains."]
  ) throws -> (result: CommandRun, adapter: Data?) {
    let data = folder.appendingPathComponent("rows.jsonl")
    try Data(rows.map { "{\"text\": \"\($0)\"}\n" }.joined().utf8).write(to: data)
    let output = folder.appendingPathComponent(name)
    let result = try CommandRun(
      [
        "train", "--data", data.path, "--output", output.path, "--steps", "\(steps)", "--batch",
        "2",
        "--learning-rate", "0.01",
      ] + options)
    let adapter = output.appendingPathComponent("adapter_model.safetensors")
    return (result, try? Data(contentsOf: adapter))
  }

  func testAMappedStateGivesTheSameBytes() throws {
    try Files.withTemporaryFolder { folder in
      for optimizer in ["adamw", "adamw8bit", "sgd"] {
        let adapters = try ["memory", "mapped"].map { place in
          let (result, adapter) = try train(
            ["--optimizer", optimizer, "--optimizer-state", place], folder,
            "\(optimizer)-\(place)")
          XCTAssertEqual(result.exitCode, 0, result.errors)
          return try XCTUnwrap(adapter)
        }
        XCTAssertEqual(adapters[0], adapters[1], optimizer)
      }
    }
  }

  func testCheckpointedActivationsGiveTheSameBytes() throws {
    try Files.withTemporaryFolder { folder in
      // With so many tokens, activations are more than what loading takes.
      let row = String(repeating: "Two dogs run over the wet grass. ", count: 24)
      var peaks: [Double] = []
      let adapters = try [[], ["--checkpoint-activations"]].map { options in
        let name = "run\(options.count)"
        let (result, adapter) = try train(
          options + ["--log", "jsonl"], folder, name, steps: 1, rows: [row, row])
        XCTAssertEqual(result.exitCode, 0, result.errors)
        let log = try JSONLinesLog.read(folder.appendingPathComponent("\(name)/log.jsonl").path)
        let bytes = log.flatMap(\.numbers).filter { $0.name == "pool_peak_bytes" }.map(\.value)
        peaks.append(try XCTUnwrap(bytes.max()))
        return try XCTUnwrap(adapter)
      }
      XCTAssertEqual(adapters[0], adapters[1])
      XCTAssertLessThan(peaks[1], 0.8 * peaks[0])
    }
  }

  func testEveryPrecisionTrainsAndEvaluates() throws {
    try Files.withTemporaryFolder { folder in
      var adapters: Set<Data> = []
      for precision in ["float32", "bfloat16", "int8", "nf4", "fp4"] {
        let (result, adapter) = try train(["--precision", precision], folder, precision)
        XCTAssertEqual(result.exitCode, 0, result.errors)
        adapters.insert(try XCTUnwrap(adapter))
        let evaluation = try CommandRun([
          "evaluate", "--precision", precision, "--adapter",
          folder.appendingPathComponent(precision).path, "--data",
          folder.appendingPathComponent("rows.jsonl").path,
        ])
        XCTAssertEqual(evaluation.exitCode, 0, evaluation.errors)
      }
      XCTAssertEqual(adapters.count, 5)
    }
  }

  func testWrongWordsAreErrors() throws {
    try Files.withTemporaryFolder { folder in
      for (options, word) in [
        (["--precision", "int4"], "float32, bfloat16, int8, nf4, fp4"),
        (["--optimizer-state", "disk"], "memory, mapped"),
        (["--method", "full", "--precision", "nf4"], "precision"),
      ] {
        let (result, _) = try train(options, folder, "out")
        XCTAssertEqual(result.exitCode, 2, result.errors)
        XCTAssert(result.errors.contains(word), result.errors)
      }
    }
  }
}
