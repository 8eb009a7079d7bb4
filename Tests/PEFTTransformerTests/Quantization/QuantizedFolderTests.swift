import Foundation
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Model folders in bitsandbytes' four and eight bits; see `make_quantized_models.py`.
final class QuantizedFolderTests: XCTestCase {
  private static let names = [
    "nf4-llama", "nf4-llama-plain", "nf4-llama-bfloat16", "nf4-qwen2", "nf4-gpt2", "fp4-llama",
    "fp4-gpt2", "int8-llama", "int8-gpt2",
  ]

  private func folder(_ name: String) -> String { Files.fixture("Models/\(name)").path }

  /// The linear layers that are quantised, and their weights.
  private func weights(_ model: CausalLM) -> [(path: String, weight: any WeightStorage)] {
    model.parameters().compactMap { named in
      named.parameter.storage.flatMap { $0 is BFloat16Weight ? nil : (named.path, $0) }
    }
  }

  func testWeightsAreThoseOfBitsandbytes() throws {
    for name in Self.names {
      let expected = try SafetensorsFile(path: "\(folder(name))/expected.safetensors")
      let model = try CausalLM(directory: folder(name))
      let weights = weights(model)
      XCTAssertEqual(
        Set(weights.map(\.path)), Set(expected.names).subtracting(["ids", "logits"]), name)
      for (path, weight) in weights {
        XCTAssertEqual(
          weight.dense().array.map(\.bitPattern),
          try expected.tensor(path).array.map(\.bitPattern), "\(name) \(path)")
      }
      let (ids, logits) = (try expected.indices("ids"), try expected.tensor("logits"))
      // Activations are rounded to bfloat16 in each product: 2^-9 each, in a model of seven layers.
      expectLogits(model(ids), logits, tolerance: 2e-2, name)
      expectLogits(
        try CausalLM(directory: folder(name), precision: .float32)(ids), logits, name)
    }
  }

  func testWritingGivesTheSameTensors() throws {
    for name in Self.names {
      try Files.withTemporaryFolder { target in
        try CausalLM(directory: folder(name)).save(to: target.path)
        let (old, new) = (
          try SafetensorsFile(path: "\(folder(name))/model.safetensors"),
          try SafetensorsFile(path: "\(target.path)/model.safetensors")
        )
        XCTAssertEqual(Set(new.names), Set(old.names), name)
        for tensor in old.names where !tensor.contains("bitsandbytes__") {
          XCTAssertEqual(try new.bytes(tensor), try old.bytes(tensor), "\(name) \(tensor)")
        }
        for tensor in old.names where tensor.contains("bitsandbytes__") {
          XCTAssertEqual(
            try JSON(parsing: new.bytes(tensor)), try JSON(parsing: old.bytes(tensor)), name)
        }
      }
    }
  }

  func testANewModelInFourBitsIsReadAsItIs() throws {
    for (label, model) in try newModels() {
      try Files.withTemporaryFolder { target in
        try model.save(to: target.path, maximumShardBytes: 20_000)
        let loaded = try CausalLM(directory: target.path)
        XCTAssertEqual(weights(loaded).map(\.path), weights(model).map(\.path), label)
        for (new, old) in zip(loaded.parameters(), model.parameters()) {
          XCTAssertEqual(
            new.parameter.value.array, old.parameter.value.array, "\(label) \(new.path)")
        }
        // What is written as numbers is read as numbers.
        loaded.store(as: .float32)
        try loaded.save(to: target.path)
        XCTAssertTrue(weights(try CausalLM(directory: target.path)).isEmpty, label)
      }
    }
  }

  func testSettingsThatAreNotKnownAreErrors() throws {
    let cases: [(field: String, value: JSON)] = [
      ("quant_method", .string("gptq")), ("load_in_4bit", .bool(false)),
      ("bnb_4bit_quant_type", .string("af4")), ("zero_point", .bool(true)),
    ]
    for (field, value) in cases {
      try withChangedConfiguration("nf4-llama", field, value) { path in
        XCTAssertThrowsError(try CausalLM(directory: path), field) { error in
          XCTAssert(error is CheckpointError)
          XCTAssert("\(error)".contains("quantization_config.\(field)"), "\(error)")
        }
      }
    }
  }

  func testTensorsThatDoNotFitAreErrors() throws {
    let layer = "model.layers.0.mlp.up_proj.weight"
    let state = "\(layer).quant_state.bitsandbytes__nf4"
    func replaced(_ old: String, _ new: String) -> ([UInt8]) -> [UInt8] {
      { Array(String(decoding: $0, as: UTF8.self).replacing(old, with: new).utf8) }
    }
    let cases: [(tensor: String, word: String, change: ([UInt8]) -> [UInt8]?)] = [
      ("\(layer).absmax", "absmax", { _ in nil }),
      ("\(layer).absmax", "absmax", { Array($0.dropLast()) }),
      ("\(layer).nested_quant_map", "nested_quant_map", { Array($0.dropLast(4)) }),
      (layer, "up_proj.weight", { Array($0.dropLast()) }),
      (state, "blocksize", replaced("\"blocksize\": 64", "\"blocksize\": 128")),
      (state, "nested_blocksize", replaced("_blocksize\": 256", "_blocksize\": 64")),
      (
        state, "nested_dtype",
        replaced("dtype\": \"float32\", \"nested_offset", "dtype\": \"float64\", \"nested_offset")
      ),
      (state, "quant_type", replaced("nf4", "af4")), (state, "quant_map", replaced("nf4", "fp4")),
      (state, "up_proj.weight", replaced("[48, 32]", "[32, 48]")),
      (state, "later", replaced("{", "{\"later\": 1, ")),
      (state, "JSON", replaced("}", "")),
    ]
    for (tensor, word, change) in cases {
      try expectError("nf4-llama", tensor, word, change)
    }
  }

  func testBytesThatDoNotFitAreErrors() throws {
    let layer = "model.layers.0.mlp.up_proj"
    let cases: [(tensor: String, word: String, change: ([UInt8]) -> [UInt8]?)] = [
      ("\(layer).SCB", "SCB", { _ in nil }), ("\(layer).SCB", "SCB", { Array($0.dropLast(4)) }),
      ("\(layer).weight", "up_proj.weight", { Array($0.dropLast()) }),
      ("\(layer).weight_format", "weight_format", { _ in [1] }),
    ]
    for (tensor, word, change) in cases {
      try expectError("int8-llama", tensor, word, change)
    }
  }

  /// Changes the bytes of one tensor, or takes it away, and expects an error that has the word.
  private func expectError(
    _ name: String, _ tensor: String, _ word: String, _ change: ([UInt8]) -> [UInt8]?
  ) throws {
    try Files.withTemporaryFolder { target in
      let file = try SafetensorsFile(path: "\(folder(name))/model.safetensors")
      let items = try file.entries.compactMap { entry -> SafetensorsFile.Item? in
        var (bytes, shape) = (try file.bytes(entry.name), entry.shape)
        if entry.name == tensor {
          guard let changed = change(bytes) else { return nil }
          if changed.count != bytes.count { shape = [changed.count * 8 / entry.dtype.bitCount] }
          bytes = changed
        }
        return .init(entry.name, bytes: bytes, as: entry.dtype, shape: shape)
      }
      try SafetensorsFile.write(items, to: "\(target.path)/model.safetensors")
      try FileManager.default.copyItem(
        atPath: "\(folder(name))/config.json", toPath: "\(target.path)/config.json")
      XCTAssertThrowsError(try CausalLM(directory: target.path), "\(tensor) \(word)") { error in
        XCTAssert(error is CheckpointError)
        XCTAssert("\(error)".contains(word), "\(word): \(error)")
      }
    }
  }

  func testBlocksOfBytesAreWrittenAsNumbers() throws {
    try Files.withTemporaryFolder { target in
      let model = try CausalLM(directory: folder("int8-llama"), precision: .int8)
      XCTAssertTrue(weights(model).allSatisfy { ($0.weight as? Int8Weight)?.blocks == .rows })
      let other = try CausalLM(directory: folder("nf4-llama"), precision: .int8)
      XCTAssertFalse(weights(other).isEmpty)
      try other.save(to: target.path)
      let loaded = try CausalLM(directory: target.path)
      XCTAssertTrue(weights(loaded).isEmpty)
      for (path, weight) in weights(other) {
        let found = loaded.parameters().first { $0.path == path }?.parameter.value
        XCTAssertEqual(found?.array, weight.dense().array, path)
      }
    }
  }

  /// `$PEFT_PYTHON` may name a Python that has Transformers and bitsandbytes.
  func testBitsandbytesReadsWhatIsWritten() throws {
    let python = try Python(importing: "torch", "transformers", "bitsandbytes")
    try Files.withTemporaryFolder { root in
      var folders: [String] = []
      let loaded = try Self.names.map { ($0, try CausalLM(directory: folder($0))) }
      for (name, model) in try newModels() + loaded {
        for dtype in [DType.float32, .bfloat16] {
          let path = "\(root.path)/\(name)-\(dtype.rawValue)"
          try model.save(to: path, as: dtype)
          try SafetensorsFile.write(
            weights(model).map { .init($0.path, $0.weight.dense()) },
            to: "\(path)/dense.safetensors")
          folders.append(path)
        }
      }
      let run = try python([Files.fixture("Models/check_quantized.py").path] + folders)
      XCTAssertEqual(run.exitCode, 0, run.errors)
    }
  }

  /// Models in NF4 and FP4, one of them with a layer that was changed since and is in float32 again.
  private func newModels() throws -> [(name: String, model: CausalLM)] {
    var qwen2 = TransformerConfiguration.llama(
      vocabularySize: 40, width: 16, feedForwardWidth: 24, layers: 2, heads: 4,
      keyValueHeads: 2, maximumPositions: 32, hasTiedHead: true)
    qwen2.modelType = "qwen2"
    qwen2.hasQueryKeyValueBias = true
    let gpt2 = TransformerConfiguration.gpt2(
      vocabularySize: 40, width: 16, layers: 1, heads: 2, maximumPositions: 32)
    return try [
      ("qwen2", qwen2, false, Precision.nf4), ("gpt2", gpt2, false, .fp4),
      ("gpt2-mixed", gpt2, true, .nf4),
    ].map { name, configuration, isMixed, precision in
      let model = try CausalLM(
        configuration, from: RandomParameters(seed: 5, isTrainable: false), precision: precision)
      if isMixed {
        let changed = try XCTUnwrap(
          model.parameters().first { $0.path == "transformer.h.0.attn.c_proj.weight" })
        changed.parameter.value = Tensor(repeating: 0.5, shape: changed.parameter.shape)
      }
      return (name, model)
    }
  }

  private func withChangedConfiguration(
    _ name: String, _ field: String, _ value: JSON, _ body: (String) throws -> Void
  ) throws {
    try Files.withTemporaryFolder { target in
      try FileManager.default.copyItem(
        atPath: "\(folder(name))/model.safetensors", toPath: "\(target.path)/model.safetensors")
      let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder(name))/config.json"))
      let members = try XCTUnwrap(JSON(parsing: data).members).map { member in
        guard member.name == "quantization_config" else { return member }
        let kept = (member.value.members ?? []).filter { $0.name != field }
        return JSON.Member(member.name, .object(kept + [.init(field, value)]))
      }
      try Data(JSON.object(members).text(.indented).utf8).write(
        to: target.appendingPathComponent("config.json"))
      try body(target.path)
    }
  }
}
