import Foundation
import PEFTTestSupport
import XCTest

final class RepeatabilityTests: XCTestCase {
  /// Training gives the same bytes from run to run, on one thread and on two.
  func testTwoRunsGiveTheSameBytes() throws {
    try Files.withTemporaryFolder { folder in
      let rows = [
        "A red hat.", "Two dogs run over the wet grass.", "It rains.", "Snow, and no wind.",
      ]
      let data = folder.appendingPathComponent("rows.jsonl")
      try Data(rows.map { "{\"text\": \"\($0)\"}\n" }.joined().utf8).write(to: data)
      for threads in ["1", "2"] {
        let adapters = try (0..<2).map { run in
          let output = folder.appendingPathComponent("adapter-\(threads)-\(run)")
          let result = try CommandRun(
            [
              "train", "--data", data.path, "--output", output.path, "--steps", "3", "--batch", "2",
              "--targets", "all-linear", "--learning-rate", "0.01", "--dropout", "0.1",
            ], environment: ["PEFT_THREADS": threads])
          XCTAssertEqual(result.exitCode, 0, result.errors)
          return try Data(contentsOf: output.appendingPathComponent("adapter_model.safetensors"))
        }
        XCTAssertEqual(adapters[0], adapters[1], "\(threads) threads")
      }
    }
  }
}
