import Foundation
import PEFTTestSupport
import XCTest

/// What a folder already holds decides whether a command may write there.
final class OutputFolderTests: XCTestCase {
  private let rows = "{\"prompt\": \"One\", \"completion\": \" day\"}\n"

  private func train(_ folder: URL, _ output: String, _ words: [String] = []) throws -> CommandRun {
    let data = folder.appendingPathComponent("rows.jsonl")
    try Data(rows.utf8).write(to: data)
    return try CommandRun(
      ["train", "--data", data.path, "--steps", "1", "--output", output] + words)
  }

  private func files(_ folder: String) throws -> [String: Data?] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    return Dictionary(
      uniqueKeysWithValues: names.map {
        ($0, FileManager.default.contents(atPath: "\(folder)/\($0)"))
      })
  }

  func testKindsAreNotMixed() throws {
    try Files.withTemporaryFolder { folder in
      let (adapter, model) = (
        folder.appendingPathComponent("adapter").path, folder.appendingPathComponent("model").path
      )
      XCTAssertEqual(try train(folder, adapter).exitCode, 0)
      XCTAssertEqual(try train(folder, model, ["--merged"]).exitCode, 0)
      XCTAssertEqual(
        try files(model).keys.sorted(), ["config.json", "model.safetensors", "tokenizer.json"])
      // The same kind again is no mixture.
      XCTAssertEqual(try train(folder, adapter, ["--adapter", adapter]).exitCode, 0)
      XCTAssertEqual(try train(folder, model, ["--method", "full"]).exitCode, 0)

      let before = try (files(adapter), files(model))
      let refused = [
        (try train(folder, model), "config.json, model.safetensors"),
        (try train(folder, adapter, ["--merged"]), "adapter_config.json"),
        (try train(folder, adapter, ["--method", "full"]), "adapter_config.json"),
        (
          try CommandRun(["merge", "--adapter", adapter, "--output", adapter]), "adapter_config.js"
        ),
        (try CommandRun(["pretrain", "--output", adapter]), "adapter_config.json"),
      ]
      for (run, found) in refused {
        XCTAssertEqual(run.exitCode, 1, run.errors)
        XCTAssert(run.errors.contains("holds \(found)"), run.errors)
        XCTAssertFalse(run.output.contains("saved"), run.output)
      }
      XCTAssertEqual(try files(adapter), before.0)
      XCTAssertEqual(try files(model), before.1)
    }
  }

  func testForeignFilesAreNotMixedIn() throws {
    try Files.withTemporaryFolder { folder in
      let run = try train(folder, folder.path)
      XCTAssertEqual(run.exitCode, 1)
      XCTAssert(run.errors.contains("\(folder.path): holds rows.jsonl"), run.errors)
      let file = folder.appendingPathComponent("rows.jsonl").path
      let onFile = try train(folder, file)
      XCTAssert(onFile.errors.contains("\(file): is a file"), onFile.errors)
      XCTAssertEqual(try String(contentsOfFile: file, encoding: .utf8), rows)
      // What stands beside an adapter without being part of it stays.
      let output = folder.appendingPathComponent("adapter")
      try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
      try Data("notes".utf8).write(to: output.appendingPathComponent("README.md"))
      XCTAssertEqual(try train(folder, output.path).exitCode, 0)
      XCTAssertEqual(
        try files(output.path).keys.sorted(),
        ["README.md", "adapter_config.json", "adapter_model.safetensors"])
    }
  }
}
