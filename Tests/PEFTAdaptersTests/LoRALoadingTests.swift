import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Folders that do not fit: what is said, and that nothing changes.
final class LoRALoadingTests: XCTestCase {
  private let key = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"

  /// A saved adapter that `change` may spoil, and what loading it then gives.
  private func load(
    mode: LoadingMode = .strict, _ change: (String) throws -> Void
  ) throws -> (model: CausalLM, result: Result<Adapter, AdapterError>) {
    try Files.withTemporaryFolder { folder in
      let source = try TestModels.make("llama")
      let adapter = try source.attach(LoRA(rank: 2))
      adapter.randomize()
      try adapter.save(to: folder.path)
      try change(folder.path)
      let model = try TestModels.make("llama")
      try model.attach(LoRA(rank: 1), name: "first").randomize()
      let (bits, output, trainable) =
        (model.bits, model.sample, model.parameters(.trainable).map(\.path))
      do {
        return (model, .success(try model.loadAdapter(folder.path, mode: mode)))
      } catch let error as AdapterError {
        XCTAssertEqual(model.bits, bits)
        XCTAssertEqual(model.sample.bits, output.bits)
        XCTAssertEqual(model.parameters(.trainable).map(\.path), trainable)
        XCTAssertEqual(model.adapters.activeNames, ["first"])
        return (model, .failure(error))
      }
    }
  }

  private func refusal(
    mode: LoadingMode = .strict, file: StaticString = #filePath, line: UInt = #line,
    _ change: (String) throws -> Void
  ) throws -> AdapterError? {
    switch try load(mode: mode, change).result {
    case .success:
      XCTFail("no error", file: file, line: line)
      return nil
    case .failure(let error): return error
    }
  }

  /// Writes the tensors of a folder again, changed.
  private func rewrite(_ folder: String, _ change: (inout [String: Tensor]) -> Void) throws {
    let path = folder + "/adapter_model.safetensors"
    let file = try SafetensorsFile(path: path)
    var tensors: [String: Tensor] = [:]
    for name in file.names { tensors[name] = try file.tensor(name) * 1 }
    change(&tensors)
    try SafetensorsFile.write(tensors.map { .init($0.key, $0.value) }, to: path)
  }

  private func rewrite(_ folder: String, _ field: String, _ json: String) throws {
    let path = URL(fileURLWithPath: folder + "/adapter_config.json")
    let text = try JSON(parsing: Data(contentsOf: path))
    var members = try XCTUnwrap(text.members).filter { $0.name != field }
    members.append(.init(field, try JSON(parsing: Data(json.utf8))))
    try JSON.object(members).text(.indented).write(to: path, atomically: true, encoding: .utf8)
  }

  func testEverythingThatDoesNotFitIsListed() throws {
    let spoil: (String) throws -> Void = { folder in
      try self.rewrite(folder) {
        $0["base_model.model.model.layers.0.self_attn.q_proj.lora_a.weight"] = $0.removeValue(
          forKey: self.key)
        let other = self.key.replacingOccurrences(of: "layers.0", with: "layers.1")
        $0[other] = Tensor(zeros: [5, 32])
      }
    }
    let error = try refusal(spoil)
    guard case .doesNotFit(_, let report, let nearest)? = error else {
      return XCTFail("\(String(describing: error))")
    }
    XCTAssertEqual(report.missing, [key])
    XCTAssertEqual(report.unexpected.count, 1)
    XCTAssertEqual(nearest, report.unexpected)
    XCTAssertEqual(report.misshapen.map(\.found), [[5, 32]])
    XCTAssertEqual(report.misshapen.map(\.expected), [[2, 32]])
    let text = "\(try XCTUnwrap(error))"
    for part in [key, "[5, 32]", "lora_a"] { XCTAssert(text.contains(part), text) }

    let (model, result) = try load(mode: .lenient, spoil)
    let adapter = try result.get()
    XCTAssertEqual(adapter.loadingReport, report)
    XCTAssertEqual(model.adapters.activeNames, ["default"])
    XCTAssertEqual(adapter.layers(of: LoRALayer.self)[0].layer.b.value.largest > 0, true)
  }

  func testFieldsThatWouldBeIgnored() throws {
    let unknown = try refusal { try self.rewrite($0, "wild_new_thing", "3") }
    guard case .file(.unreadFields(_, ["wild_new_thing"]))? = unknown else {
      return XCTFail("\(String(describing: unknown))")
    }
    let (_, result) = try load(mode: .lenient) { try self.rewrite($0, "wild_new_thing", "3") }
    XCTAssertEqual(try result.get().loadingReport.ignoredFields, ["wild_new_thing"])
    // A field of a later version that is switched off changes nothing.
    let (_, off) = try load { try self.rewrite($0, "wild_new_thing", "null") }
    XCTAssertNoThrow(try off.get())
  }

  func testFieldsThatAreNotSupported() throws {
    let table = [
      ("init_lora_weights", "\"corda\""), ("init_lora_weights", "\"pissa_niter_x\""),
      ("init_lora_weights", "\"loftq\""), ("init_lora_weights", "\"lora_ga\""),
      ("init_lora_weights", "3"), ("layer_replication", "[[0, 2]]"),
      ("target_parameters", "[\"q_proj.weight\"]"),
      ("trainable_token_indices", "{\"a\": [1], \"b\": [1]}"),
      ("alora_invocation_tokens", "[1]"), ("use_qalora", "true"), ("use_bdlora", "{}"),
      ("loftq_config", "{\"loftq_bits\": 4}"),
      ("megatron_config", "{\"a\": 1}"), ("peft_type", "\"WILD\""),
    ]
    for (field, value) in table {
      for mode in [LoadingMode.strict, .lenient] {
        let error = try refusal(mode: mode) { try self.rewrite($0, field, value) }
        guard case .file(.unsupportedField(_, field, _, _))? = error else {
          XCTFail("\(field) \(value): \(String(describing: error))")
          continue
        }
      }
    }
  }

  func testFieldsOfTheWrongKind() throws {
    let table = [
      ("r", "0"), ("r", "\"8\""), ("r", "2.5"), ("lora_alpha", "null_"), ("lora_alpha", "\"x\""),
      ("bias", "\"some\""), ("target_modules", "3"), ("target_modules", "[1]"),
      ("layers_to_transform", "[\"1\"]"), ("rank_pattern", "{\"q_proj\": \"3\"}"),
      ("rank_pattern", "[]"), ("modules_to_save", "{}"), ("lora_bias", "1"),
    ]
    for (field, value) in table where value != "null_" {
      let error = try refusal { try self.rewrite($0, field, value) }
      guard case .file(.invalidField(_, field, _, _))? = error else {
        XCTFail("\(field) \(value): \(String(describing: error))")
        continue
      }
    }
    let missing = try refusal { try self.rewrite($0, "peft_type", "null") }
    guard case .file(.missingField(_, "peft_type"))? = missing else { return XCTFail("peft_type") }
    // Sizes that would fill the memory or overflow are refused before anything is made.
    for rank in ["1000000000000", "9223372036854775807"] {
      XCTAssertEqual(
        try refusal(mode: .lenient) { try self.rewrite($0, "r", rank) }?.label,
        "invalidSetting rank")
    }
    XCTAssertEqual(try refusal { try self.rewrite($0, "r", "3") }?.label, "doesNotFit")
    XCTAssertEqual(
      try refusal { try self.rewrite($0, "target_modules", "[\"nothing\"]") }?.label,
      "deadPatterns target_modules")
  }

  func testBrokenFiles() throws {
    let tensors = "/adapter_model.safetensors"
    for count in [0, 7, 100, -1] {
      let error = try refusal { folder in
        let url = URL(fileURLWithPath: folder + tensors)
        let data = try Data(contentsOf: url)
        try data.prefix(count < 0 ? data.count + count : count).write(to: url)
      }
      guard case .file(.invalidHeader)? = error else {
        XCTFail("\(count) bytes: \(String(describing: error))")
        continue
      }
    }
    let pickle = try refusal {
      try FileManager.default.moveItem(atPath: $0 + tensors, toPath: $0 + "/adapter_model.bin")
    }
    guard case .file(.unsupportedFile)? = pickle else {
      return XCTFail("\(String(describing: pickle))")
    }
    let none = try refusal { try FileManager.default.removeItem(atPath: $0 + tensors) }
    guard case .file(.fileUnreadable)? = none else { return XCTFail("\(String(describing: none))") }
    let config = try refusal {
      try FileManager.default.removeItem(atPath: $0 + "/adapter_config.json")
    }
    guard case .file(.fileUnreadable)? = config else {
      return XCTFail("\(String(describing: config))")
    }
    let text = try refusal {
      try "{".write(toFile: $0 + "/adapter_config.json", atomically: true, encoding: .utf8)
    }
    guard case .file(.invalidJSON)? = text else { return XCTFail("\(String(describing: text))") }
    let whole = try refusal { folder in
      let path = folder + tensors
      let file = try SafetensorsFile(path: path)
      let items = try file.entries.map { entry in
        entry.name == self.key
          ? SafetensorsFile.Item(
            entry.name, Indices(Array(repeating: 1, count: 64), shape: entry.shape))
          : SafetensorsFile.Item(entry.name, try file.tensor(entry.name) * 1)
      }
      try SafetensorsFile.write(items, to: path)
    }
    guard case .file(.wrongDType(_, key, _, .int64))? = whole else {
      return XCTFail("\(String(describing: whole))")
    }
  }

  func testHalfPrecisionFiles() throws {
    for dtype in [DType.float16, .bfloat16, .float64] {
      var expected: [Float] = []
      let (_, result) = try load { folder in
        let path = folder + "/adapter_model.safetensors"
        let file = try SafetensorsFile(path: path)
        expected = try file.tensor(self.key).array
        let items = try file.names.map {
          SafetensorsFile.Item($0, try file.tensor($0) * 1, as: dtype)
        }
        try SafetensorsFile.write(items, to: path)
      }
      let adapter = try result.get()
      let precision = dtype == .float16 ? 0x1p-11 : dtype == .bfloat16 ? 0x1p-8 : 0
      expectClose(
        adapter.layers(of: LoRALayer.self)[0].layer.a.value.array, expected.map(Double.init),
        relative: precision,
        absolute: 1e-7, "\(dtype)")
    }
  }

  func testAMinimalConfiguration() throws {
    let (_, result) = try load { folder in
      try #"{"peft_type": "LORA", "r": 2}"#.write(
        toFile: folder + "/adapter_config.json", atomically: true, encoding: .utf8)
    }
    XCTAssertEqual(try result.get().modules.count, 4)
  }
}
