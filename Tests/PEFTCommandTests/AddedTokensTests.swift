import Foundation
import PEFT
import PEFTDefaultModel
import PEFTJSON
import PEFTTestSupport
import XCTest

/// Tokens that a training adds to the vocabulary of its base.
final class AddedTokensTests: XCTestCase {
  private func withRows(_ body: (_ path: (String) -> String) throws -> Void) throws {
    try Files.withTemporaryFolder { folder in
      let path = { folder.appendingPathComponent($0).path }
      let rows = (0..<8).map {
        "{\"prompt\": \"the cat <tool>\", \"completion\": \" number \($0)<end-of-tool>\"}"
      }
      try (rows.joined(separator: "\n") + "\n").write(
        toFile: path("rows.jsonl"), atomically: true, encoding: .utf8)
      try body(path)
    }
  }

  func testTheirRowsAreTrainedSavedMergedAndUsed() throws {
    try withRows { path in
      let train = try CommandRun([
        "train", "--data", path("rows.jsonl"), "--add-tokens", "<tool>,<end-of-tool>", "--steps",
        "12", "--learning-rate", "0.01", "--evaluation", path("rows.jsonl"), "--output",
        path("adapter"), "--json",
      ])
      let trained = try train.json()
      let base = try XCTUnwrap(DefaultModel.folder?.path)
      let size = try Tokenizer(folder: base).vocabularySize
      let tokenizer = try Tokenizer(folder: path("adapter"))
      XCTAssertEqual(tokenizer.vocabularySize, size + 2)
      XCTAssertEqual(tokenizer.id(of: "<end-of-tool>"), Int32(size + 1))
      let file = try SafetensorsFile(path: path("adapter/adapter_model.safetensors"))
      let rows = try XCTUnwrap(file.entries.first { $0.name.contains("trainable_tokens_delta") })
      XCTAssertEqual(rows.shape[0], 2)
      // Only what changed is kept.
      XCTAssertFalse(file.entries.contains { $0.shape.first == size + 2 })

      let words = ["--data", path("rows.jsonl"), "--json"]
      let adapted = try CommandRun(["evaluate", "--adapter", path("adapter")] + words).json()
      XCTAssertEqual(
        try XCTUnwrap(adapted["loss"]?.number), try XCTUnwrap(trained["after"]?.number),
        accuracy: 1e-5)
      let lint = try CommandRun(["lint", path("adapter"), "--model", base])
      XCTAssertEqual(lint.exitCode, 0, lint.output + lint.errors)
      let merge = try CommandRun([
        "merge", "--adapter", path("adapter"), "--output", path("merged"),
      ])
      XCTAssertEqual(merge.exitCode, 0, merge.errors)
      let merged = try CommandRun(["evaluate", "--model", path("merged")] + words).json()
      XCTAssertEqual(
        try XCTUnwrap(merged["loss"]?.number), try XCTUnwrap(adapted["loss"]?.number),
        accuracy: 1e-4)
      let text = try CommandRun([
        "generate", "--adapter", path("adapter"), "--prompt", "the cat <tool>", "--tokens", "4",
      ])
      XCTAssertEqual(text.exitCode, 0, text.errors)
    }
  }

  func testTokensAreNamedByTextOrID() throws {
    try withRows { path in
      let run = try CommandRun([
        "train", "--data", path("rows.jsonl"), "--steps", "1", "--trainable-tokens", "7,a",
        "--output", path("adapter"),
      ])
      XCTAssertEqual(run.exitCode, 0, run.errors)
      let base = try Tokenizer(folder: try XCTUnwrap(DefaultModel.folder?.path))
      let settings = try ConfigurationFile(path: path("adapter/adapter_config.json"))
      let tokens = settings.value("trainable_token_indices")?["embed_tokens"]?.elements
      XCTAssertEqual(
        tokens?.map(\.integer), [7, Int(try XCTUnwrap(base.id(of: "a")))])
      XCTAssertFalse(FileManager.default.fileExists(atPath: path("adapter/tokenizer.json")))
    }
  }

  func testWhatCannotBeIsSaid() throws {
    try withRows { path in
      let words = ["train", "--data", path("rows.jsonl"), "--output", path("adapter")]
      for (more, reason) in [
        (["--trainable-tokens", "no such token"], "no such token"),
        (["--trainable-tokens", "5", "--method", "ia3"], "trainable-tokens"),
        (["--add-tokens", ""], "add-tokens"),
        (["--add-tokens", "<a>", "--adapter", path("other")], "add-tokens"),
      ] {
        let run = try CommandRun(words + more)
        XCTAssertNotEqual(run.exitCode, 0, "\(more)")
        XCTAssertTrue(run.errors.contains(reason), run.errors)
      }
    }
  }
}
