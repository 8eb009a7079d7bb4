import Foundation
import PEFT
import PEFTJSON
import PEFTTestSupport
import XCTest

final class ClassificationTests: XCTestCase {
  /// The BERT of the fixtures with a vocabulary of a few words, and rows whose label one word tells.
  private func withFolder(_ body: (_ model: String, _ path: (String) -> String) throws -> Void)
    throws
  {
    try Files.withTemporaryFolder { folder in
      let path = { folder.appendingPathComponent($0).path }
      try FileManager.default.copyItem(
        atPath: Files.fixture("Models/bert").path, toPath: path("model"))
      let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "a", "film", "is"]
      try (words.joined(separator: "\n") + "\n").write(
        toFile: path("model/vocab.txt"), atomically: true, encoding: .utf8)
      let rows = (0..<16).map { place in
        "a film is \(place % 2 == 0 ? "good" : "bad")\t\(place % 2 == 0 ? "yes" : "no")"
      }
      try ("text\tlabel\n" + rows.joined(separator: "\n") + "\n").write(
        toFile: path("rows.tsv"), atomically: true, encoding: .utf8)
      try (rows.joined(separator: "\n") + "\nno label\n").write(
        toFile: path("bare.tsv"), atomically: true, encoding: .utf8)
      try body(path("model"), path)
    }
  }

  func testAClassifierIsTrainedSavedAndEvaluated() throws {
    try withFolder { model, path in
      let train = try CommandRun([
        "train", "--model", model, "--task", "sequence-classification", "--data",
        path("rows.tsv"), "--labels", "yes,no", "--evaluation", path("rows.tsv"), "--batch", "4",
        "--epochs", "15", "--learning-rate", "0.01", "--output", path("adapter"), "--json",
        "--stream", "--checkpoint-every", "50", "--checkpoint-activations",
      ])
      let trained = try train.json()
      XCTAssertTrue(train.output.contains("classes: yes, no"), train.output)
      XCTAssertEqual(try XCTUnwrap(trained["after"]?.number), 1)
      let evaluated = try CommandRun([
        "evaluate", "--model", model, "--adapter", path("adapter"), "--data", path("rows.tsv"),
        "--json",
      ]).json()
      // The adapter knows in which order its classes are.
      XCTAssertEqual(evaluated["labels"]?.elements?.map(\.string), ["yes", "no"])
      XCTAssertEqual(evaluated["accuracy"]?.number, 1)
      XCTAssertEqual(
        try XCTUnwrap(evaluated["loss"]?.number), try XCTUnwrap(trained["loss_after"]?.number),
        accuracy: 1e-6)
      let early = try CommandRun([
        "evaluate", "--model", model, "--adapter", path("adapter/checkpoint-50"), "--data",
        path("rows.tsv"), "--json",
      ]).json()
      XCTAssertEqual(early["labels"]?.elements?.map(\.string), ["yes", "no"])
      let settings = try String(
        contentsOfFile: path("adapter/adapter_config.json"), encoding: .utf8)
      XCTAssertTrue(settings.contains("SEQ_CLS") && settings.contains("classifier"), settings)

      let weights = path("adapter/adapter_model.safetensors")
      let whole = try Data(contentsOf: URL(fileURLWithPath: weights))
      for name in ["checkpoint-60", "adapter_model.safetensors"] {
        try FileManager.default.removeItem(atPath: path("adapter/\(name)"))
      }
      let resumed = try CommandRun(["train", "--output", path("adapter"), "--resume"])
      XCTAssertTrue(resumed.output.contains("10 steps in"), resumed.output + resumed.errors)
      XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: weights)), whole)
    }
  }

  /// A folder without a pooler gets a new one, which the adapter has to bring along as it does the head.
  func testANewPoolerIsTrainedAndSaved() throws {
    try withFolder { model, path in
      let file = try SafetensorsFile(path: "\(model)/model.safetensors")
      let items = try file.names.filter { !$0.contains("pooler") }.map {
        SafetensorsFile.Item($0, try file.tensor($0).copied())
      }
      try SafetensorsFile.write(items, to: "\(model)/model.safetensors")
      let words = ["--model", model, "--data", path("rows.tsv"), "--json"]
      let trained = try CommandRun(
        [
          "train", "--labels", "yes,no", "--seed", "1", "--evaluation", path("rows.tsv"),
          "--epochs", "1", "--output", path("adapter"),
        ] + words
      ).json()
      let names = try SafetensorsFile(path: path("adapter/adapter_model.safetensors")).names
      XCTAssertTrue(names.contains("base_model.model.bert.pooler.dense.weight"), "\(names)")
      let evaluated = try CommandRun(["evaluate", "--adapter", path("adapter")] + words).json()
      XCTAssertEqual(
        try XCTUnwrap(evaluated["loss"]?.number), try XCTUnwrap(trained["loss_after"]?.number),
        accuracy: 1e-6)
    }
  }

  func testBadRowsAreNamedOrCounted() throws {
    try withFolder { model, path in
      let words = [
        "evaluate", "--model", model, "--data", path("bare.tsv"), "--columns", "text,label",
        "--labels", "no,yes", "--task", "sequence-classification",
      ]
      let failed = try CommandRun(words)
      XCTAssertEqual(failed.exitCode, 1)
      XCTAssertTrue(
        failed.errors.contains("bare.tsv:17: expected 2 columns (text, label), found 1"),
        failed.errors)
      let run = try CommandRun(words + ["--skip-bad-rows", "--json"])
      XCTAssertEqual(try run.json()["rows"]?.integer, 16)
      XCTAssertTrue(run.errors.contains("1 bad row is left out; the first: "), run.errors)
      let unknown = try CommandRun(words.map { $0 == "no,yes" ? "maybe,yes" : $0 })
      XCTAssertTrue(
        unknown.errors.contains("bare.tsv:2: expected a label that is one of maybe, yes"),
        unknown.errors)
    }
  }

  func testFieldsAreRenamedAndFilesStreamed() throws {
    try Files.withTemporaryFolder { folder in
      let path = { folder.appendingPathComponent($0).path }
      let rows = (0..<12).map { "\"the \($0)\",\"one, two\"" }
      try ("mr,ref\r\n" + rows.joined(separator: "\r\n")).write(
        toFile: path("rows.csv"), atomically: true, encoding: .utf8)
      let run = try CommandRun([
        "train", "--data", path("rows.csv"), "--field", "prompt=mr", "--field", "completion=ref",
        "--stream", "--shuffle-buffer", "4", "--batch", "4", "--epochs", "2", "--output",
        path("adapter"), "--json",
      ])
      XCTAssertEqual(try run.json()["steps"]?.integer, 6)
      let missing = try CommandRun([
        "train", "--data", path("rows.csv"), "--output", path("other"),
      ])
      XCTAssertTrue(missing.errors.contains("found members \"mr\", \"ref\""), missing.errors)
    }
  }
}
