import Foundation
import PEFTJSON
import PEFTTestSupport
import XCTest

/// Which messages of conversations are learned.
final class ConversationTests: XCTestCase {
  private func withRows(_ body: (_ data: String, _ folder: URL) throws -> Void) throws {
    try Files.withTemporaryFolder { folder in
      let rows = (0..<6).map { place in
        """
        {"messages": [{"role": "user", "content": "Is day \(place) dry?"},
        {"role": "assistant", "content": "It rains."}, {"role": "user", "content": "And later?"},
        {"role": "assistant", "content": "Sun at \(place) and then wind."}]}
        """.replacingOccurrences(of: "\n", with: " ")
      }
      let data = folder.appendingPathComponent("rows.jsonl")
      try Data(rows.joined(separator: "\n").utf8).write(to: data)
      try body(data.path, folder)
    }
  }

  func testRolesAndPlacesChooseWhatIsTrainedAndMeasured() throws {
    try withRows { data, folder in
      let choices = [
        [], ["--learn", "assistant"], ["--learn-last"], ["--learn", "user"],
        ["--learn", "user", "--learn-last"], ["--learn", "user,assistant"],
      ]
      var adapters: [Data] = []
      var counts: [Int] = []
      for (place, choice) in choices.enumerated() {
        let output = folder.path + "/adapter-\(place)"
        let run = try CommandRun(
          [
            "train", "--data", data, "--output", output, "--steps", "2", "--batch", "3",
            "--learning-rate", "0.01",
          ] + (place == 2 ? ["--stream"] : []) + choice)
        XCTAssertEqual(run.exitCode, 0, run.errors)
        adapters.append(
          try Data(contentsOf: URL(fileURLWithPath: output + "/adapter_model.safetensors")))
        let measured = try CommandRun(["evaluate", "--data", data, "--json"] + choice).json()
        counts.append(try XCTUnwrap(measured["tokens"]?.integer))
      }
      // The role that is learned by default can be named; every other choice is another training.
      XCTAssertEqual(adapters[0], adapters[1])
      XCTAssertEqual(Set(adapters).count, choices.count - 1)
      XCTAssertEqual(counts[0], counts[1])
      XCTAssertEqual(counts[3] + counts[0], counts[5])
      XCTAssertLessThan(counts[2], counts[0])
      XCTAssertLessThan(counts[4], counts[3])
    }
  }

  func testAChoiceThatChoosesNothingIsAnError() throws {
    try withRows { data, folder in
      let output = folder.path + "/adapter"
      let train = ["train", "--output", output, "--data"]
      let nobody = try CommandRun(train + [data, "--learn", "tool"])
      XCTAssertEqual(nobody.exitCode, 1)
      XCTAssertTrue(
        nobody.errors.contains(
          "rows.jsonl:1: expected a row that becomes tokens, found no message of tool"),
        nobody.errors)
      let texts = folder.path + "/texts.jsonl"
      try "{\"text\": \"a\"}\n".write(toFile: texts, atomically: true, encoding: .utf8)
      for words in [["--learn", "user"], ["--learn-last"]] {
        let idle = try CommandRun(train + [texts] + words)
        XCTAssertEqual(idle.exitCode, 1)
        XCTAssertTrue(idle.errors.contains("has no row with \"messages\""), idle.errors)
      }
      for words in [
        ["--learn", ","],
        ["--learn-last", "--task", "sequence-classification", "--labels", "a,b"],
      ] {
        let run = try CommandRun(train + [data] + words)
        XCTAssertEqual(run.exitCode, 2, "\(words): \(run.errors)")
      }
      XCTAssertFalse(FileManager.default.fileExists(atPath: output))
    }
  }
}
