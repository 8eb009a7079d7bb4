import Foundation
import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// The base of an adapter is opened for the adapter's task, and merged into a folder of that task.
final class AdaptedBaseTests: XCTestCase {
  func testEveryTaskIsMergedIntoWhatItIs() throws {
    for family in [
      "gpt2-classes", "llama-classes", "bert", "roberta", "distilbert", "bert-tokens",
      "distilbert-tokens", "bert-masked", "roberta-tokens", "distilbert-masked", "vit", "llama",
    ] {
      let model = try TestModels.any(family, seed: 3)
      try check(model, family, LoRA(rank: 2, alpha: 4, targets: .allLinear))
    }
  }

  /// Heads that the folder lacks or has for other classes are those of the adapter.
  func testHeadsOfTheAdapter() throws {
    let encoder = Files.fixture("Models/bert-masked").path
    try Files.withTemporaryFolder { root in
      let (adapter, merged) = (root.path + "/adapter", root.path + "/merged")
      let model = try SequenceClassifier(directory: encoder, newLabels: ["a", "b", "c", "d"])
      let attached = try model.attach(LoRA(rank: 2))
      attached.randomize()
      try attached.save(to: adapter)
      for labels in [nil, ["w", "x", "y", "z"]] {
        let base = try AdaptedBase.open(encoder, adapter: adapter, labels: labels)
        XCTAssertEqual(
          base.configuration.labels, labels ?? (0..<4).map { "LABEL_\($0)" })
        try base.saveMerged(adapter: adapter, to: merged)
        let read = try SequenceClassifier(directory: merged)
        XCTAssertEqual(read.configuration.labels, base.configuration.labels)
        XCTAssertTrue(read.sample.isClose(to: model.sample, within: 1e-5))
      }
    }
  }

  /// A table that was filled up has more rows than there are tokens.
  func testRowsBeyondTheTokens() throws {
    let base = Files.fixture("Models/llama").path
    try Files.withTemporaryFolder { root in
      let model = try CausalLM(directory: base, addedTokens: 16)
      var method = LoRA(rank: 2)
      method.modulesToSave = ["embed_tokens"]
      try model.attach(method).save(to: root.path)
      let opened = try AdaptedBase.open(base, adapter: root.path, addedTokens: 2)
      XCTAssertEqual(opened.configuration.vocabularySize, model.configuration.vocabularySize)
      XCTAssertEqual(try AdaptedBase.addedTokens(base, adapter: root.path), 16)
      XCTAssertEqual(
        try AdaptedBase.open(base, adapter: root.path, addedTokens: 20).configuration
          .vocabularySize, model.configuration.vocabularySize + 4)
    }
  }

  /// Without a head in the names, an encoder of vectors.
  func testVectors() throws {
    for folder in ["bert", "distilbert", "roberta"].map({ Files.fixture("Models/\($0)").path }) {
      let model = try SentenceEncoder(directory: folder)
      let kind = try merged(model, folder, LoRA(rank: 2, alpha: 4)) { merged, expected in
        let rows = TokenRows([[5, 6, 7]])
        let read = try SentenceEncoder(directory: merged)
        XCTAssertTrue(read(rows).isClose(to: expected(rows), within: 1e-5), folder)
      }
      XCTAssertTrue(kind is SentenceEncoder, folder)
    }
  }

  /// The pooler, on which no vector depends, stays whole, and an adapter of PEFT may have a part for it.
  func testPoolers() throws {
    try Files.withTemporaryFolder { root in
      let bert = TransformerConfiguration.bert(
        vocabularySize: 20, width: 8, layers: 1, heads: 2, maximumPositions: 12)
      let base = try SentenceEncoder(bert, from: RandomParameters(seed: 2), hasPooler: true)
      try base.save(to: root.path + "/base")
      let model = try SentenceEncoder(directory: root.path + "/base")
      let adapter = try model.attach(LoRA(rank: 2, targets: .allLinear))
      XCTAssertTrue(adapter.modules.contains { $0.site.path == "pooler.dense" })
      adapter.randomize()
      try adapter.save(to: root.path + "/adapter")
      try AdaptedBase.open(root.path + "/base", adapter: root.path + "/adapter")
        .saveMerged(adapter: root.path + "/adapter", to: root.path + "/merged")
      let read = try SentenceEncoder(directory: root.path + "/merged")
      let rows = TokenRows([[5, 6, 7]])
      XCTAssertTrue(read(rows).isClose(to: withoutGradients { model(rows) }, within: 1e-5))
      XCTAssertNotEqual(read.pooler?.weight.value.array, base.pooler?.weight.value.array)
    }
  }

  private func merged(
    _ model: SentenceEncoder, _ folder: String, _ method: LoRA,
    _ body: (String, (TokenRows) -> Tensor) throws -> Void
  ) throws -> any StreamedModel {
    try Files.withTemporaryFolder { root in
      let adapter = try model.attach(method)
      adapter.randomize()
      try adapter.save(to: root.path + "/adapter")
      let base = try AdaptedBase.open(folder, adapter: root.path + "/adapter")
      try base.saveMerged(adapter: root.path + "/adapter", to: root.path + "/merged")
      try body(root.path + "/merged") { rows in withoutGradients { model(rows) } }
      return base
    }
  }

  private func check(_ model: some ContractModel, _ family: String, _ method: LoRA) throws {
    try Files.withTemporaryFolder { root in
      func path(_ name: String) -> String { root.appendingPathComponent(name).path }
      try model.save(to: path("base"))
      let adapter = try model.attach(method)
      adapter.randomize()
      try adapter.save(to: path("adapter"))
      let expected = model.sample
      let base = try AdaptedBase.open(path("base"), adapter: path("adapter"))
      XCTAssertEqual("\(type(of: base))", "\(type(of: model))", family)
      let report = try base.saveMerged(adapter: path("adapter"), to: path("merged"))
      XCTAssertLessThan(report.relativeDifference, 1e-4, family)
      try model.merge()
      try model.save(to: path("whole"))
      for name in ["model.safetensors", "config.json"] {
        XCTAssertEqual(
          try Data(contentsOf: URL(fileURLWithPath: path("whole/\(name)"))),
          try Data(contentsOf: URL(fileURLWithPath: path("merged/\(name)"))),
          "\(family) \(name)")
      }
      XCTAssertTrue(model.sample.isClose(to: expected, within: 1e-4), family)
    }
  }
}
