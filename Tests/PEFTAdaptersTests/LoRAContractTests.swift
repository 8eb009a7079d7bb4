import PEFTAdapters
import PEFTTransformer
import XCTest

/// The contract of every adapter, for LoRA in all its settings on every family.
final class LoRAContractTests: XCTestCase {
  private func check(
    _ family: String, merge: Double? = 2e-5, identity: Bool = true,
    file: StaticString = #filePath, line: UInt = #line, _ change: (inout LoRA) -> Void
  ) throws {
    var method = LoRA(rank: 3, alpha: 6)
    change(&method)
    var contract = AdapterContract(method) { try TestModels.make(family) }
    contract.mergeTolerance = merge
    contract.identityTolerance = identity ? 0 : nil
    try checkAdapter(contract, "\(family)", file: file, line: line)
  }

  func testEveryStorageOfTheBase() throws {
    try checkAdapter(LoRA(rank: 3, alpha: 6, targets: .allLinear))
  }

  func testUsualTargets() throws {
    for family in ["gpt2", "llama", "mistral", "qwen2"] { try check(family) { _ in } }
  }

  func testAllLinear() throws {
    for family in ["gpt2", "llama"] { try check(family) { $0.targets = .allLinear } }
  }

  func testPatternsAndRankStabilization() throws {
    try check("llama") {
      $0.targets = .pattern(#".*\.(q_proj|up_proj)"#)
      $0.rankPattern = [.init("up_proj", 5)]
      $0.alphaPattern = [.init("layers.1.self_attn.q_proj", 9)]
      $0.isRankStabilized = true
    }
  }

  func testLayersAndExclusions() throws {
    try check("mistral") {
      $0.targets = .allLinear
      $0.excluded = .names(["mlp.gate_proj"])
      $0.layersToTransform = [1]
    }
  }

  func testBiases() throws {
    try check("gpt2") { $0.bias = .all }
    try check("qwen2") { $0.bias = .loraOnly }
  }

  func testBiasOfTheBranch() throws {
    try check("gpt2") { $0.hasBias = true }
    try check("qwen2") { ($0.hasBias, $0.bias) = (true, .loraOnly) }
    // No bias in the base that it could be merged into.
    try check("llama", merge: nil) { $0.hasBias = true }
  }

  func testEmbeddingsAndHead() throws {
    try check("llama") { $0.targets = .names(["embed_tokens", "lm_head", "q_proj"]) }
    try check("gpt2") { $0.targets = .names(["wpe"]) }
    try check("gpt2", merge: nil) { $0.targets = .names(["wte", "lm_head"]) }
  }

  func testModulesToSave() throws {
    try check("llama") { $0.modulesToSave = ["lm_head", "norm", "layers.1.mlp"] }
    try check("qwen2", merge: nil) { $0.modulesToSave = ["lm_head"] }
  }

  func testTiedModulesToSave() throws {
    try check("qwen2") { ($0.modulesToSave, $0.ensuresWeightTying) = (["embed_tokens"], true) }
    try check("gpt2") { ($0.modulesToSave, $0.ensuresWeightTying) = (["lm_head"], true) }
  }

  func testRandomStart() throws {
    try check("llama", identity: false) { $0.initialization = .random }
    try check("llama") { $0.initialization = .gaussian }
  }
}
