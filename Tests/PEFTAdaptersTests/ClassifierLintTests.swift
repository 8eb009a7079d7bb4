import Foundation
import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Adapters of classifiers on the folders that they were made for.
final class ClassifierLintTests: XCTestCase {
  func testAnAdapterIsTriedOnTheModelOfItsTask() throws {
    for family in ["gpt2-classes", "qwen3-classes", "bert", "bert-tokens"] {
      try Files.withTemporaryFolder { root in
        let (base, folder) = (root.path + "/base", root.path + "/adapter")
        let model = try TestModels.any(family, seed: 3)
        try model.save(to: base)
        try save(model, to: folder)
        let report = FolderReport(folder, base: base)
        XCTAssertTrue(report.loads, "\(family): \(report.problems)")
        XCTAssertEqual(report.problems.count, 0, "\(family): \(report.problems)")
      }
    }
  }

  /// PEFT names the heads of all families; another name that nothing has is told.
  func testHeadsOfOtherFamiliesAreNoFault() throws {
    try Files.withTemporaryFolder { root in
      let (base, folder) = (root.path + "/base", root.path + "/adapter")
      let model = try TestModels.any("bert", seed: 3)
      try model.save(to: base)
      try save(model, to: folder)
      let path = folder + "/adapter_config.json"
      for (name, count) in [("score", 0), ("head", 1)] {
        var settings = try XCTUnwrap(
          JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
            as? [String: Any])
        settings["modules_to_save"] = ["classifier", name]
        try JSONSerialization.data(withJSONObject: settings).write(
          to: URL(fileURLWithPath: path))
        let report = FolderReport(folder, base: base)
        XCTAssertEqual(report.problems.count, count, "\(report.problems)")
        XCTAssertTrue(report.loads)
        XCTAssertFalse(report.targets.isEmpty)
      }
    }
  }

  /// The base of a classifier is often a language model, whose head is another.
  func testALanguageModelIsABaseAsWell() throws {
    try Files.withTemporaryFolder { root in
      let (base, folder) = (Files.fixture("Models/llama").path, root.path + "/adapter")
      try save(try SequenceClassifier(directory: base, newLabels: ["a", "b", "c"]), to: folder)
      let report = FolderReport(folder, base: base)
      XCTAssertTrue(report.loads, "\(report.problems)")
    }
  }

  private func save(_ model: some AdapterHost, to folder: String) throws {
    let adapter = try model.attach(LoRA(rank: 2))
    adapter.randomize()
    try adapter.save(to: folder)
  }
}
