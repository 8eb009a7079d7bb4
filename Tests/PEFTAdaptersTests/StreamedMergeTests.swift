import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Merging folder by folder gives the bytes of merging in memory.
final class StreamedMergeTests: XCTestCase {
  private var methods: [(String, any AdapterMethod)] {
    var dora = LoRA(rank: 2, alpha: 4, targets: .allLinear)
    dora.usesWeightDecomposition = true
    var biased = LoRA(rank: 2, targets: .allLinear)
    biased.bias = .all
    var saved = LoRA(rank: 2)
    saved.modulesToSave = ["lm_head"]
    var rows = LoRA(rank: 2)
    rows.trainableTokens = [3, 8]
    return [
      ("lora", LoRA(rank: 2, alpha: 4, targets: .allLinear)), ("dora", dora), ("biased", biased),
      ("saved", saved), ("ia3", IA3()), ("vera", VeRA(rank: 4)), ("loha", LoHa(rank: 2)),
      ("lokr", LoKr(rank: 2)), ("bitfit", BitFit()), ("ln", LNTuning()),
      ("rows", rows), ("rows-alone", TrainableTokens([3, 8])),
    ]
  }

  func testBytesAreThoseOfMergingInMemory() throws {
    for family in ["gpt2", "llama", "qwen2"] {
      for (label, method) in methods {
        if label == "saved", family == "gpt2" || family == "qwen2" { continue }
        try check(family, label, method)
      }
    }
  }

  private func check(_ family: String, _ label: String, _ method: any AdapterMethod) throws {
    try Files.withTemporaryFolder { root in
      func path(_ name: String) -> String { root.appendingPathComponent(name).path }
      try TestModels.make(family).save(to: path("base"))
      let model = try CausalLM(directory: path("base"))
      let adapter: Adapter
      do { adapter = try attach(method, to: model) } catch AdapterError.nothingSelected { return }
      adapter.randomize()
      try adapter.save(to: path("adapter"))
      let inMemory = try CausalLM(directory: path("base"))
      try inMemory.loadAdapter(path("adapter"))
      try inMemory.merge()
      for dtype in [DType.float32, .bfloat16] {
        try inMemory.save(to: path("whole"), as: dtype, maximumShardBytes: 20_000)
        let report = try CausalLM(streaming: path("base")).saveMerged(
          adapter: path("adapter"), to: path("merged"), as: dtype, maximumShardBytes: 20_000)
        XCTAssertLessThan(report.relativeDifference, dtype == .float32 ? 1e-4 : 0.1)
        try expectSameFiles(path("whole"), path("merged"), "\(family) \(label) \(dtype)")
      }
      XCTAssertEqual(
        try FileManager.default.contentsOfDirectory(atPath: root.path).sorted(),
        ["adapter", "base", "merged", "whole"])
    }
  }

  private func attach(_ method: some AdapterMethod, to model: CausalLM) throws -> Adapter {
    try model.attach(method)
  }

  /// What is not changed stays in four bits.
  func testFourBits() throws {
    for base in ["nf4-llama", "nf4-gpt2"] {
      try Files.withTemporaryFolder { root in
        let folder = Files.fixture("Models/\(base)").path
        let output = root.appendingPathComponent("merged").path
        let whole = root.appendingPathComponent("whole").path
        let adapterFolder = root.appendingPathComponent("adapter").path
        let model = try CausalLM(directory: folder)
        let adapter = try model.attach(LoRA(rank: 2, alpha: 4))
        adapter.randomize()
        try adapter.save(to: adapterFolder)
        try model.merge()
        try model.save(to: whole)
        try CausalLM(streaming: folder).saveMerged(adapter: adapterFolder, to: output)
        try expectSameFiles(whole, output, base)
      }
    }
  }

  func testNothingIsLeftAfterAnError() throws {
    try Files.withTemporaryFolder { root in
      func path(_ name: String) -> String { root.appendingPathComponent(name).path }
      try TestModels.make("llama").save(to: path("base"))
      let model = try CausalLM(directory: path("base"))
      let adapter = try model.attach(LoRA(rank: 2))
      adapter.parameters[0].value = adapter.parameters[0].value * .infinity
      try adapter.save(to: path("adapter"))
      let error = expectAdapterError {
        try CausalLM(streaming: path("base")).saveMerged(
          adapter: path("adapter"), to: path("merged"))
      }
      XCTAssertEqual(error?.label.hasPrefix("notFinite"), true, "\(String(describing: error))")
      XCTAssertEqual(
        try FileManager.default.contentsOfDirectory(atPath: root.path).sorted(),
        ["adapter", "base"])
    }
  }

  private func expectSameFiles(
    _ one: String, _ other: String, _ label: String, file: StaticString = #filePath,
    line: UInt = #line
  ) throws {
    let names = try [one, other].map {
      try FileManager.default.contentsOfDirectory(atPath: $0).sorted()
    }
    XCTAssertEqual(names[0], names[1], label, file: file, line: line)
    for name in names[0] {
      XCTAssertEqual(
        try Data(contentsOf: URL(fileURLWithPath: "\(one)/\(name)")),
        try Data(contentsOf: URL(fileURLWithPath: "\(other)/\(name)")), "\(label) \(name)",
        file: file, line: line)
    }
  }
}
