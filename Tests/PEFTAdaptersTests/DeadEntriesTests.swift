import PEFTAdapters
import PEFTTransformer
import XCTest

/// Every setting with an entry that selects nothing, or with a value that makes no sense.
final class DeadEntriesTests: XCTestCase {
  private func refusal(
    _ family: String = "llama", file: StaticString = #filePath, line: UInt = #line,
    _ change: (inout LoRA) -> Void
  ) throws -> AdapterError? {
    let model = try TestModels.make(family)
    var method = LoRA(rank: 2, alpha: 4)
    change(&method)
    let trainable = model.parameters(.trainable).map(\.path)
    let planned = expectAdapterError("plan", file: file, line: line) { try method.plan(model) }
    let attached = expectAdapterError("attach", file: file, line: line) {
      try model.attach(method)
    }
    XCTAssertEqual(planned, attached, file: file, line: line)
    XCTAssertEqual(model.parameters(.trainable).map(\.path), trainable, file: file, line: line)
    XCTAssertEqual(model.filledSlots, [], file: file, line: line)
    XCTAssertEqual(model.adapters.names, [], file: file, line: line)
    return planned
  }

  func testDeadEntriesAreNamedWithTheNearest() throws {
    typealias Row = (setting: String, dead: [String], near: String?, change: (inout LoRA) -> Void)
    let table: [Row] = [
      ("target_modules", ["q_prj"], "q_proj", { $0.targets = .names(["q_prj", "v_proj"]) }),
      ("target_modules", ["qq", "v_pro"], "v_proj", { $0.targets = .names(["qq", "v_pro"]) }),
      ("target_modules", ["q_proj"], "q_proj", { $0.targets = .pattern("q_proj") }),
      ("exclude_modules", ["k_prol"], "k_proj", { $0.excluded = .names(["k_prol"]) }),
      ("exclude_modules", ["down_proj"], "down_proj", { $0.excluded = .pattern("down_proj") }),
      ("modules_to_save", ["lm_hed"], "lm_head", { $0.modulesToSave = ["lm_head", "lm_hed"] }),
      ("rank_pattern", ["k_proj"], "q_proj", { $0.rankPattern = [.init("k_proj", 3)] }),
      (
        "alpha_pattern", ["^layers.0"], nil,
        { $0.alphaPattern = [.init("q_proj", 3), .init("^layers.0", 3)] }
      ),
      ("layers_to_transform", ["2", "7"], "1", { $0.layersToTransform = [0, 2, 7] }),
      ("layers_to_transform", ["9"], "0", { $0.layersToTransform = [9] }),
      (
        "layers_pattern", ["layer"], nil,
        { ($0.layersToTransform, $0.layersPattern) = ([0], ["layers", "layer"]) }
      ),
    ]
    for row in table {
      let found = try refusal("llama", row.change)
      guard case .deadPatterns(let setting, let dead, let nearest)? = found else {
        XCTFail("\(row.setting) \(row.dead): \(String(describing: found))")
        continue
      }
      XCTAssertEqual(setting, row.setting)
      XCTAssertEqual(dead, row.dead)
      if let near = row.near { XCTAssert(nearest.contains(near), "\(row.setting) \(nearest)") }
    }
  }

  func testSettingsThatSelectNothing() throws {
    let excluded = try refusal {
      ($0.targets, $0.excluded) = (.names(["q_proj"]), .names(["self_attn.q_proj"]))
    }
    XCTAssertEqual(excluded?.label, "nothingSelected")
    XCTAssertEqual(try refusal { $0.targets = .names([]) }?.label, "nothingSelected")
    // One name whose modules are all excluded, beside one that selects.
    let one = try refusal {
      ($0.targets, $0.excluded) = (.names(["q_proj", "v_proj"]), .names(["q_proj"]))
    }
    XCTAssertEqual(one?.label, "deadPatterns target_modules")
  }

  func testValuesThatMakeNoSense() throws {
    let table: [(String, (inout LoRA) -> Void)] = [
      ("rank", { $0.rank = 0 }), ("rank", { $0.rank = .max }),
      ("rank_pattern", { $0.rankPattern = [.init("q_proj", -1)] }),
      ("alpha", { $0.alpha = .nan }), ("dropout", { $0.dropout = 1 }),
      ("dropout", { $0.dropout = .nan }), ("modules_to_save", { $0.modulesToSave = [""] }),
      (
        "layers_to_transform",
        { ($0.targets, $0.layersToTransform) = (.pattern(".*q_proj"), [0]) }
      ),
      ("layers_pattern", { $0.layersPattern = ["layers"] }),
      ("lora_bias", { ($0.hasBias, $0.initialization) = (true, .gaussian) }),
      ("ensure_weight_tying", { $0.ensuresWeightTying = true }),
    ]
    for (setting, change) in table {
      XCTAssertEqual(try refusal("llama", change)?.label, "invalidSetting \(setting)")
    }
  }

  func testPatternsThatCannotBeRead() throws {
    let table: [(String, (inout LoRA) -> Void)] = [
      ("target_modules", { $0.targets = .pattern("(") }),
      ("exclude_modules", { $0.excluded = .pattern("[") }),
      ("rank_pattern", { $0.rankPattern = [.init("*", 2)] }),
      ("modules_to_save", { $0.modulesToSave = ["("] }),
    ]
    for (setting, change) in table {
      XCTAssertEqual(try refusal("llama", change)?.label, "invalidPattern \(setting)")
    }
  }

  func testModulesThatCannotBeAdapted() throws {
    let norm = try refusal { $0.targets = .names(["norm"]) }
    XCTAssertEqual(norm?.label, "notAdaptable model.norm")
    let bias = try refusal { ($0.targets, $0.hasBias) = (.names(["embed_tokens"]), true) }
    XCTAssertEqual(bias?.label, "notAdaptable model.embed_tokens")
    XCTAssertEqual(try refusal { $0.modulesToSave = ["proj"] }?.label, "conflict")
    let tied = try refusal("qwen2") {
      ($0.targets, $0.ensuresWeightTying) = (.names(["embed_tokens"]), true)
    }
    XCTAssertEqual(tied?.label, "invalidSetting ensure_weight_tying")
    // PEFT knows embeddings by two names; GPT-2's is not one of them.
    let other = try refusal("gpt2") {
      ($0.modulesToSave, $0.ensuresWeightTying) = (["wte"], true)
    }
    XCTAssertEqual(other?.label, "invalidSetting ensure_weight_tying")
  }

  func testNames() throws {
    let model = try TestModels.make("llama")
    for name in ["", "a.b", "a/b", "lora_A"] {
      let found = expectAdapterError(name) { try model.attach(LoRA(), name: name) }
      XCTAssertEqual(found?.label, "invalidSetting name")
    }
    try model.attach(LoRA(), name: "one")
    XCTAssertEqual(
      expectAdapterError("") { try model.attach(LoRA(), name: "one") }, .nameTaken("one"))
    XCTAssertEqual(
      expectAdapterError("") { try model.adapter("two") }, .unknownAdapter("two", existing: ["one"])
    )
  }
}
