import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

/// Adapters that this package saves, loaded by Hugging Face PEFT.
final class PythonTests: XCTestCase {
  func testPEFTLoadsWhatWeSave() throws {
    let python = try Python(importing: "peft", "safetensors")
    try Files.withTemporaryFolder { root in
      var folders: [String] = []
      for (family, label, change) in Self.cases {
        let folder = root.appendingPathComponent("\(family)-\(label)").path
        try write(family, change, to: folder)
        folders.append(folder)
      }
      for (label, write) in Self.preparedStarts {
        let folder = root.appendingPathComponent(label).path
        try write(folder)
        folders.append(folder)
      }
      for (label, method) in Self.otherMethods {
        let folder = root.appendingPathComponent(label).path
        try write(String(label.prefix { $0 != "-" }), method, to: folder)
        folders.append(folder)
      }
      let merged = try folders.filter { try merge($0) }
      XCTAssertGreaterThan(merged.count, folders.count / 2)
      let script = Files.fixture("Adapters/check_adapter.py").path
      let run = try python([script] + folders)
      XCTAssertEqual(run.exitCode, 0, run.output + run.errors)
      XCTAssertEqual(
        run.output.components(separatedBy: "\"difference\"").count - 1, folders.count, run.output)
      XCTAssertEqual(
        run.output.components(separatedBy: "\"merged\"").count - 1, merged.count, run.output)
    }
  }

  /// Writes the merged model as well; false where no weight could hold what the adapter changes, or one that is shared.
  private func merge(_ folder: String) throws -> Bool {
    let base = try AdaptedBase.open(folder + "/base", adapter: folder + "/adapter")
    do throws(AdapterError) {
      try base.saveMerged(adapter: folder + "/adapter", to: folder + "/merged")
      return true
    } catch {
      switch error {
      case .wrongState, .notAdaptable:
        return false
      default: throw error
      }
    }
  }

  private static var cases: [(family: String, label: String, change: (inout LoRA) -> Void)] {
    var cases: [(String, String, (inout LoRA) -> Void)] = []
    for family in [
      "gpt2", "llama", "qwen2", "mistral", "qwen3", "gemma", "phi3", "bert", "roberta",
    ] {
      cases.append((family, "usual", { _ in }))
      cases.append((family, "all-linear", { $0.targets = .allLinear }))
      cases.append((family, "rslora", { $0.isRankStabilized = true }))
      cases.append((family, "bias-all", { $0.bias = .all }))
      cases.append((family, "bias-adapted", { $0.bias = .loraOnly }))
      cases.append((family, "lora-bias", { $0.hasBias = true }))
    }
    cases += [
      (
        "gpt2", "patterns",
        {
          $0.targets = .names(["c_proj", "c_attn"])
          $0.rankPattern = [.init("mlp.c_proj", 5), .init("c_proj", 2)]
          $0.alphaPattern = [.init("^transformer.h.1.attn.c_attn", 7.5)]
        }
      ),
      (
        "llama", "patterns",
        {
          $0.targets = .pattern(#".*\.(q|up)_proj"#)
          $0.rankPattern = [.init(#"layers\.1\..*"#, 5)]
          $0.isRankStabilized = true
        }
      ),
      (
        "qwen2", "layers",
        {
          ($0.targets, $0.layersToTransform) = (.allLinear, [1])
          $0.excluded = .names(["down_proj"])
        }
      ),
      ("llama", "tokens", { $0.trainableTokens = [3, 28, 13] }),
      ("qwen2", "tokens-tied", { $0.trainableTokens = [3, 28, 13] }),
      ("gpt2", "tokens-tied", { ($0.trainableTokens, $0.targets) = ([3, 28, 13], .allLinear) }),
      ("gemma", "tokens", { $0.trainableTokens = [8] }),
      ("bert", "tokens", { $0.trainableTokens = [5, 10] }),
      ("gemma", "embeddings", { $0.targets = .names(["embed_tokens", "q_proj"]) }),
      ("gpt2", "embeddings", { $0.targets = .names(["wte", "wpe"]) }),
      ("gpt2", "head", { $0.targets = .names(["wte", "lm_head", "c_attn"]) }),
      ("llama", "embeddings", { $0.targets = .names(["embed_tokens", "lm_head"]) }),
      ("llama", "embedding-path", { $0.targets = .names(["model.embed_tokens", "q_proj"]) }),
      ("qwen2", "embeddings", { $0.targets = .pattern(".*(embed_tokens|v_proj)") }),
      ("llama", "saved", { $0.modulesToSave = ["lm_head", "norm", "layers.1.mlp"] }),
      ("gpt2", "saved", { ($0.modulesToSave, $0.bias) = (["ln_f", "wte"], .all) }),
      ("qwen2", "saved-head", { $0.modulesToSave = ["lm_head"] }),
      ("qwen2", "tied", { ($0.modulesToSave, $0.ensuresWeightTying) = (["embed_tokens"], true) }),
      ("gpt2", "tied", { ($0.modulesToSave, $0.ensuresWeightTying) = (["lm_head"], true) }),
      ("bert", "biases", { ($0.bias, $0.modulesToSave) = (.all, ["pooler"]) }),
      ("distilbert", "usual", { _ in }),
      ("bert", "embeddings", { $0.targets = .pattern(".*word_embeddings|.*dense") }),
      ("llama", "gaussian", { $0.initialization = .gaussian }),
      ("vit", "usual", { $0.modulesToSave = ["classifier"] }),
      ("vit", "all-linear", { $0.targets = .allLinear }),
      ("vit", "biases", { ($0.bias, $0.targets) = (.all, .names(["o_proj", "fc1"])) }),
      (
        "vit", "earlier-names",
        {
          $0.targets = .names(["query", "output.dense"])
          $0.rankPattern = [.init("attention.output.dense", 2)]
          $0.modulesToSave = ["classifier"]
        }
      ),
      (
        "llama", "dora",
        { ($0.usesWeightDecomposition, $0.targets) = (true, .names(["embed_tokens", "o_proj"])) }
      ),
      ("gpt2", "dora", { ($0.usesWeightDecomposition, $0.targets) = (true, .allLinear) }),
      ("gpt2", "pissa", { ($0.initialization, $0.targets) = (.pissa, .allLinear) }),
      (
        "qwen2", "pissa-dora",
        { ($0.initialization, $0.usesWeightDecomposition) = (.pissa, true) }
      ),
      ("llama", "olora", { ($0.initialization, $0.targets) = (.olora, .allLinear) }),
      ("mistral", "orthogonal", { ($0.initialization, $0.rank) = (.orthogonal, 4) }),
      ("llama", "eva", { $0.initialization = .eva }),
      ("llama", "lora-fa", { $0.freezesA = true }),
    ]
    let heads = [
      "gpt2-classes", "llama-classes", "mistral-classes", "qwen2-classes", "bert-tokens",
      "qwen3-classes", "gemma-classes", "phi3-classes", "roberta-tokens", "distilbert-tokens",
      "bert-masked", "distilbert-masked",
    ]
    for family in heads {
      cases.append((family, "usual", { _ in }))
      cases.append((family, "all-linear", { $0.targets = .allLinear }))
    }
    return cases
  }

  /// What needs more than settings to be attached.
  private static var preparedStarts: [(label: String, write: (String) throws -> Void)] {
    let lora = LoRA(rank: 3, alpha: 5, targets: .allLinear)
    return ["gpt2", "llama"].flatMap { family in
      [
        (
          "\(family)-lora-ga",
          { folder in
            let model = try TestModels.make(family, seed: 3)
            try model.save(to: folder + "/base")
            let adapter = try model.attach(lora, LoRAGA(), batches: [model.batch])
            adapter.randomize()
            try save(model, adapter, to: folder)
          }
        ),
        (
          "\(family)-eva-ranks",
          { folder in
            let model = try TestModels.make(family, seed: 3)
            try model.save(to: folder + "/base")
            let adapter = try model.attach(lora, EVA(), batches: [model.batch])
            adapter.randomize()
            try save(model, adapter, to: folder)
          }
        ),
        (
          "\(family)-loftq",
          { folder in
            let model = try TestModels.make(family, seed: 3)
            let (adapter, _) = try model.attachQuantizing(lora, LoftQ(iterations: 2))
            adapter.randomize()
            // What four bits stand for, in full: PEFT would need bitsandbytes for these themselves.
            model.store(as: .float32)
            let base = try TestModels.make(family, seed: 3)
            let values = model.walk(includingAdapters: false).parameters
            for (to, from) in zip(base.parameters(), values) {
              to.parameter.value = from.parameter.value.copied()
            }
            try base.save(to: folder + "/base")
            try save(model, adapter, to: folder)
          }
        ),
      ]
    }
  }

  /// Methods other than LoRA, by a label that begins with the family.
  private static var otherMethods: [(label: String, method: any AdapterMethod)] {
    var layers = SparseDelta(rank: 2, targets: .allLinear)
    layers.layersToTransform = [1]
    layers.modulesToSave = ["lm_head"]
    var pruned = AdaLoRA(initialRank: 4, targetRank: 2, totalSteps: 10)
    pruned.keptTriplets["model.layers.0.self_attn.q_proj"] = [true, false, true, true]
    pruned.keptTriplets["model.layers.1.self_attn.q_proj"] = [false, false, false, false]
    var methods: [(String, any AdapterMethod)] = virtualTokens + withMore
    methods += [
      ("bert-prefix", PrefixTuning(virtualTokens: 3)),
      ("llama-shira", SparseDelta(rank: 3)),
      ("qwen2-shira-layers", layers),
      ("gpt2-adalora", AdaLoRA(initialRank: 4, targetRank: 2, totalSteps: 10)),
      ("llama-adalora-pruned", pruned), ("gpt2-dylora", DyLoRA(rank: 3, alpha: 5)),
      ("llama-deltalora", DeltaLoRA(rank: 2, alpha: 3, delay: 1)),
    ]
    for family in ["qwen3", "gemma"] {
      methods.append(("\(family)-ln", LNTuning()))
      methods.append(("\(family)-ia3", IA3()))
    }
    for family in ["gpt2", "llama", "qwen2", "mistral", "bert", "vit"] {
      methods.append(("\(family)-ln", LNTuning()))
      methods.append(("\(family)-ia3", IA3()))
      methods.append(("\(family)-ia3-all", IA3(targets: .allLinear)))
      methods.append(("\(family)-vera", VeRA(rank: 6)))
      var vera = VeRA(rank: 5, targets: .allLinear)
      (vera.savesProjection, vera.projectionKey) = (false, 123)
      vera.selection.bias = .all
      methods.append(("\(family)-vera-key", vera))
      // PEFT's own do not know GPT-2's layers.
      if family == "gpt2" { continue }
      methods.append(("\(family)-loha", LoHa(rank: 3, alpha: 5, targets: .allLinear)))
      var lokr = LoKr(rank: 1, alpha: 3, targets: .allLinear)
      methods.append(("\(family)-lokr", lokr))
      (lokr.decomposesBoth, lokr.factor) = (true, 4)
      methods.append(("\(family)-lokr-both", lokr))
    }
    return methods
  }

  /// Methods with biases, patterns or whole modules beside what is their own.
  private static var withMore: [(label: String, method: any AdapterMethod)] {
    func with<Method: AdapterMethod>(
      _ method: Method, _ change: (inout Method) -> Void
    ) -> Method {
      var method = method
      change(&method)
      return method
    }
    let adalora = AdaLoRA(initialRank: 4, targetRank: 2, totalSteps: 10)
    return [
      ("llama-longlora", LongLoRA(rank: 3, alpha: 6, groups: .size(4))),
      ("gpt2-longlora", LongLoRA(rank: 3, alpha: 6, groups: .size(4))),
      ("llama-adalora-saved", with(adalora) { $0.selection.modulesToSave = ["lm_head"] }),
      ("gpt2-adalora-bias", with(adalora) { $0.selection.bias = .all }),
      ("bert-adalora", adalora),
      ("llama-ia3-saved", with(IA3()) { $0.selection.modulesToSave = ["norm", "lm_head"] }),
      ("llama-vera-saved", with(VeRA(rank: 4)) { $0.selection.modulesToSave = ["norm"] }),
      (
        "llama-loha-patterns",
        with(LoHa(rank: 3, alpha: 5, targets: .allLinear)) {
          $0.rankPattern = [.init("q_proj", 2), .init(#"layers\.1\.mlp\.down_proj"#, 5)]
          $0.alphaPattern = [.init("v_proj", 2.5)]
          $0.selection.modulesToSave = ["lm_head"]
        }
      ),
      (
        "llama-lokr-patterns",
        with(LoKr(rank: 2, alpha: 5, targets: .allLinear)) {
          $0.rankPattern = [.init("q_proj", 1)]
          $0.alphaPattern = [.init("v_proj", 2.5)]
          $0.selection.modulesToSave = ["norm"]
        }
      ),
      ("llama-ln-saved", with(LNTuning()) { $0.selection.modulesToSave = ["lm_head"] }),
      ("qwen2-shira-saved", with(SparseDelta(rank: 2)) { $0.modulesToSave = ["norm"] }),
      ("llama-prompt-saved", with(PromptTuning(virtualTokens: 3)) { $0.modulesToSave = ["norm"] }),
      ("llama-ptuning-saved", with(PTuning(virtualTokens: 3)) { $0.modulesToSave = ["lm_head"] }),
      ("gpt2-prefix-saved", with(PrefixTuning(virtualTokens: 3)) { $0.modulesToSave = ["ln_f"] }),
      ("bert-prompt", PromptTuning(virtualTokens: 3)),
      ("roberta-prompt", PromptTuning(virtualTokens: 3)),
      ("distilbert-prompt", PromptTuning(virtualTokens: 3)),
      ("bert-ptuning", PTuning(virtualTokens: 3)),
      ("roberta-prefix", PrefixTuning(virtualTokens: 3)),
    ]
  }

  private static var virtualTokens: [(label: String, method: any AdapterMethod)] {
    let prompt = PromptTuning(virtualTokens: 3, initialization: .vocabulary)
    return [
      ("gpt2-prefix", PrefixTuning(virtualTokens: 3)),
      ("qwen3-prefix", PrefixTuning(virtualTokens: 3)),
      ("gemma-prompt", prompt),
      ("llama-rows", TrainableTokens([3, 28, 13])), ("qwen2-rows", TrainableTokens([3, 28, 13])),
      ("gpt2-rows", TrainableTokens([28])), ("gemma-rows", TrainableTokens([8, 3])),
      ("phi3-prefix", PrefixTuning(virtualTokens: 3)),
      ("llama-prefix", PrefixTuning(virtualTokens: 3)),
      ("qwen2-prefix", PrefixTuning(virtualTokens: 3)),
      ("mistral-prefix", PrefixTuning(virtualTokens: 3)),
      ("llama-prefix-mlp", PrefixTuning(virtualTokens: 3, isProjected: true)),
      ("gpt2-prefix-text", PrefixTuning(text: [5, 9, 2])),
      ("gpt2-prompt", prompt), ("llama-prompt", prompt), ("qwen2-prompt", prompt),
      ("mistral-prompt", prompt),
      ("llama-ptuning", PTuning(virtualTokens: 3)),
      ("gpt2-ptuning-lstm", PTuning(virtualTokens: 3, encoder: .lstm)),
    ]
  }

  private func write(_ family: String, _ change: (inout LoRA) -> Void, to folder: String) throws {
    var method = LoRA(rank: 3, alpha: 5)
    change(&method)
    try write(family, method, to: folder)
  }

  private func write(_ family: String, _ method: any AdapterMethod, to folder: String) throws {
    let model = try TestModels.any(family, seed: 3)
    let adapter = try model.attach(method)
    adapter.randomize()
    try model.save(to: folder + "/base")
    if let ranks = adapter.nestedRanks {
      try ranks.select(2)
      try ranks.export(rank: 2, to: folder + "/adapter")
    } else if let mover = adapter.deltaMover {
      let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-2)
      for _ in 0..<4 {
        model.sampleLoss.backward()
        optimizer.step()
      }
      try mover.export(to: folder + "/adapter")
    } else {
      try adapter.save(to: folder + "/adapter")
    }
    try Self.saveLogits(model, to: folder)
  }

  private static func save(
    _ model: some ContractModel, _ adapter: Adapter, to folder: String
  ) throws {
    try adapter.save(to: folder + "/adapter")
    try saveLogits(model, to: folder)
  }

  private static func saveLogits(_ model: some ContractModel, to folder: String) throws {
    try SafetensorsFile.write(
      model.sampleItems + [.init("logits", model.sample)], to: folder + "/logits.safetensors")
  }
}
