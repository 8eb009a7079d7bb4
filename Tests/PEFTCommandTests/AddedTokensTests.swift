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
        path("adapter"), "--json", "--checkpoint-every", "6",
      ])
      XCTAssertFalse(train.errors.contains("warning"), train.errors)
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
      let template = path("adapter/chat_template.jinja")
      try "{{ bos_token }}".write(toFile: template, atomically: true, encoding: .utf8)
      for (adapter, output) in [("adapter", "merged"), ("adapter/checkpoint-6", "early")] {
        let merge = try CommandRun([
          "merge", "--adapter", path(adapter), "--output", path(output),
        ])
        XCTAssertEqual(merge.exitCode, 0, merge.errors)
        let merged = try Tokenizer(folder: path(output))
        XCTAssertEqual(merged.id(of: "<end-of-tool>"), Int32(size + 1), output)
      }
      XCTAssertEqual(
        try String(contentsOfFile: path("merged/chat_template.jinja"), encoding: .utf8),
        "{{ bos_token }}")
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

  /// A head of its own has rows for added tokens that only training it as a whole changes.
  func testAHeadThatIsNotTheTable() throws {
    try withRows { path in
      let base = path("untied")
      try FileManager.default.copyItem(
        atPath: try XCTUnwrap(DefaultModel.folder?.path), toPath: base)
      let file = try SafetensorsFile(path: "\(base)/model.safetensors")
      var items = try file.names.map { SafetensorsFile.Item($0, try file.tensor($0).copied()) }
      items.append(.init("lm_head.weight", try file.tensor("model.embed_tokens.weight").copied()))
      try SafetensorsFile.write(items, to: "\(base)/model.safetensors")
      let settings = URL(fileURLWithPath: "\(base)/config.json")
      let fields = try JSON(parsing: Data(contentsOf: settings)).members ?? []
      let untied = JSON.Member("tie_word_embeddings", .bool(false))
      try Data(
        JSON.object(fields.filter { $0.name != untied.name } + [untied]).text(.compact).utf8
      ).write(to: settings)

      let words = ["--model", base, "--data", path("rows.jsonl"), "--json"]
      func train(_ more: [String], to output: String) throws -> CommandRun {
        try CommandRun(
          [
            "train", "--add-tokens", "<tool>,<end-of-tool>", "--steps", "2", "--output",
            path(output), "--evaluation", path("rows.jsonl"),
          ] + words + more)
      }
      let silent = try train([], to: "table")
      XCTAssertEqual(silent.exitCode, 0, silent.errors)
      XCTAssertTrue(silent.errors.contains("--modules-to-save lm_head"), silent.errors)
      let both = try train(["--modules-to-save", "lm_head"], to: "both")
      let trained = try both.json()
      XCTAssertFalse(both.errors.contains("warning"), both.errors)
      let names = try SafetensorsFile(path: path("both/adapter_model.safetensors")).names
      for end in ["trainable_tokens_delta", "lm_head.weight"] {
        XCTAssertTrue(names.contains { $0.hasSuffix(end) }, "\(names)")
      }
      let adapted = try CommandRun(["evaluate", "--adapter", path("both")] + words).json()
      XCTAssertEqual(
        try XCTUnwrap(adapted["loss"]?.number), try XCTUnwrap(trained["after"]?.number),
        accuracy: 1e-5)
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
        (["--add-tokens", "<a>", "--method", "ia3"], "would not train the rows of --add-tokens"),
        (["--add-tokens", "<a>", "--adapter", path("other")], "add-tokens"),
      ] {
        let run = try CommandRun(words + more)
        XCTAssertNotEqual(run.exitCode, 0, "\(more)")
        XCTAssertTrue(run.errors.contains(reason), run.errors)
      }
    }
  }
}
