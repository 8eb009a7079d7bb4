import Foundation
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class CausalLMSavingTests: XCTestCase {
  /// One new model of every family, with what is unusual in each.
  private func newModels() throws -> [(name: String, model: CausalLM)] {
    func llama() -> TransformerConfiguration {
      .llama(
        vocabularySize: 40, width: 16, feedForwardWidth: 20, layers: 2, heads: 4,
        keyValueHeads: 2, maximumPositions: 32)
    }
    var gpt2 = TransformerConfiguration.gpt2(
      vocabularySize: 40, width: 16, layers: 2, heads: 2, maximumPositions: 32)
    gpt2.feedForwardWidth = 20
    gpt2.dropout.attention = 0.1
    var biased = llama()
    biased.headWidth = 6
    (biased.hasQueryKeyValueBias, biased.hasAttentionOutputBias) = (true, true)
    (biased.hasFeedForwardBias, biased.hasTiedHead) = (true, true)
    biased.positions = .rotary(
      RotaryScaling(
        base: 500, kind: .llama3(factor: 8, lowFactor: 1, highFactor: 4, trainedPositions: 16)))
    biased.activation = .geluTanh
    var mistral = llama()
    mistral.modelType = "mistral"
    mistral.slidingWindows = [3, 3]
    mistral.positions = .rotary(RotaryScaling(base: 10_000, kind: .linear(factor: 2)))
    var qwen2 = llama()
    qwen2.modelType = "qwen2"
    qwen2.hasQueryKeyValueBias = true
    qwen2.slidingWindows = [3, nil]
    qwen2.normEpsilon = 1e-5
    let all = [
      ("gpt2", gpt2), ("llama", llama()), ("llama-biased", biased), ("mistral", mistral),
      ("qwen2", qwen2),
    ]
    let read = try ["qwen3", "qwen3-window", "gemma", "gemma-older", "phi3", "phi3-full"].map {
      ($0, try ModelFixture($0).model.configuration)
    }
    return try (all + read).enumerated().map { seed, item in
      var configuration = item.1
      configuration.initializerRange = 0.3
      return (
        item.0, try CausalLM(configuration, from: RandomParameters(seed: UInt64(seed + 1)))
      )
    }
  }

  private var probe: Indices { Indices((0..<24).map { ($0 * 7 + 3) % 40 }, shape: [2, 12]) }

  private func files(_ folder: String) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    return try Dictionary(
      uniqueKeysWithValues: names.map {
        ($0, try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")))
      })
  }

  func testSavingTwiceGivesTheSameBytes() throws {
    let models = try newModels() + ModelFixture.all().map { ($0.name, $0.model) }
    try Files.withTemporaryFolder { folder in
      for (name, model) in models {
        for dtype in [DType.float32, .bfloat16, .float16] {
          let (a, b) = ("\(folder.path)/a", "\(folder.path)/b")
          try model.save(to: a, as: dtype, maximumShardBytes: 8000)
          try model.save(to: b, as: dtype, maximumShardBytes: 8000)
          XCTAssertEqual(try files(a), try files(b), "\(name) \(dtype)")
          try FileManager.default.removeItem(atPath: b)
        }
      }
    }
  }

  func testWhatIsSavedLoadsWithTheSameBits() throws {
    let models = try newModels() + ModelFixture.all().map { ($0.name, $0.model) }
    try Files.withTemporaryFolder { folder in
      for (name, model) in models {
        let path = "\(folder.path)/\(name)-float32"
        try model.save(to: path)
        let loaded = try CausalLM(directory: path)
        XCTAssertEqual(loaded.configuration, model.configuration, name)
        XCTAssertEqual(loaded.parameters().map(\.path), model.parameters().map(\.path), name)
        XCTAssertEqual(
          loaded(probe).array.map(\.bitPattern), model(probe).array.map(\.bitPattern), name)
        XCTAssertTrue(loaded.parameters(.trainable).isEmpty)
      }
    }
  }

  func testHalfPrecisionRoundsEveryWeightOnce() throws {
    // Weights near 1: 8 significant bits in bfloat16, 11 in float16.
    for (dtype, error) in [(DType.bfloat16, 0x1p-8), (.float16, 0x1p-11)] {
      for (name, model) in try newModels() {
        try Files.withTemporaryFolder { folder in
          let (first, second) = ("\(folder.path)/first", "\(folder.path)/second")
          try model.save(to: first, as: dtype)
          let loaded = try CausalLM(directory: first)
          for (new, old) in zip(loaded.parameters(), model.parameters()) {
            // Below 2^-14 numbers of float16 are spaced evenly.
            expectClose(
              new.parameter.value, old.parameter.value, relative: error, absolute: 0x1p-25,
              "\(name) \(new.path)")
          }
          try loaded.save(to: second, as: dtype)
          XCTAssertEqual(
            try files(first)["model.safetensors"], try files(second)["model.safetensors"],
            "the second rounding changes nothing")
        }
      }
    }
  }

  func testAValueTooLargeForFloat16IsAnError() throws {
    let model = try newModels()[0].model
    let named = model.parameters()[0]
    var values = named.parameter.value.array
    (values[3], values[7]) = (65519, -1e6)
    named.parameter.value = Tensor(values, shape: [40, 16])
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("new").path
      XCTAssertNoThrow(try model.save(to: path, as: .bfloat16))
      let before = try files(path)
      expectError(
        CheckpointError.valueOutOfRange(
          path: path, tensor: "transformer.wte.weight", index: 7, value: -1_000_000,
          allowed: -65504...65504)
      ) { try model.save(to: path, as: .float16) }
      XCTAssertEqual(try files(path), before, "nothing is written")
    }
  }

  func testAConfigurationThatNoFileCanExpressIsNotSaved() throws {
    var configuration = TransformerConfiguration.llama(
      vocabularySize: 10, width: 8, feedForwardWidth: 8, layers: 1, heads: 2)
    configuration.slidingWindows = [4]
    let model = try CausalLM(configuration, from: RandomParameters(seed: 1))
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("new").path
      expectError(
        CheckpointError.invalidField(
          path: "\(path)/config.json", field: "model_type",
          expected: "a family that has every part of the model", found: "llama")
      ) { try model.save(to: path) }
      XCTAssertFalse(FileManager.default.fileExists(atPath: path))
    }
  }

  func testConfigurationOfTheFolderIsKept() throws {
    let item = try ModelFixture("llama-dynamic")
    try Files.withTemporaryFolder { folder in
      try item.model.save(to: folder.path)
      func fields(_ folder: String) throws -> [JSON.Member] {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/config.json"))
        return try XCTUnwrap(JSON(parsing: data).members)
      }
      let old = try fields(item.folder).filter { $0.name != "torch_dtype" }
      XCTAssertEqual(
        JSON.object(try fields(folder.path)),
        JSON.object(old + [.init("dtype", .string("float32"))]).sorted)
    }
  }

  /// `$PEFT_PYTHON` may name a Python that has Transformers.
  func testTransformersLoadsWhatIsSavedAndComputesTheSame() throws {
    let python = try Python(importing: "torch", "transformers")
    let models = try newModels() + ModelFixture.all().map { ($0.name + "-loaded", $0.model) }
    try Files.withTemporaryFolder { folder in
      var folders: [String] = []
      for (name, model) in models {
        for dtype in [DType.float32, .bfloat16, .float16] {
          let path = "\(folder.path)/\(name)-\(dtype)"
          try model.save(to: path, as: dtype, maximumShardBytes: dtype == .float32 ? 8000 : 1 << 30)
          let logits = try CausalLM(directory: path)(probe)
          try SafetensorsFile.write(
            [.init("ids", probe), .init("logits", logits)], to: "\(path)/probe.safetensors")
          folders.append(path)
        }
      }
      let run = try python([Files.fixture("Models/check_saved.py").path] + folders)
      XCTAssertEqual(run.exitCode, 0, run.errors)
    }
  }
}
