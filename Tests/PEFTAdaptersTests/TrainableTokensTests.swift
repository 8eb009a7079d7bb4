import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class TrainableTokensTests: XCTestCase {
  private let tokens: [Int32] = [3, 28, 13]

  private var methods: [(label: String, method: any AdapterMethod)] {
    var lora = LoRA(rank: 2, alpha: 4)
    lora.trainableTokens = tokens
    return [("rows", TrainableTokens(tokens)), ("lora", lora)]
  }

  /// The model whose table itself has the rows is the reference.
  func testItComputesWhatATableWithTheRowsComputes() throws {
    for family in ["gpt2", "llama", "qwen2", "gemma"] {
      let model = try TestModels.make(family, seed: 3)
      let before = model.sample
      let adapter = try model.attach(TrainableTokens(tokens))
      XCTAssertTrue(model.sample.isClose(to: before, within: 1e-6), "starts as the base")
      XCTAssertEqual(
        model.parameterCount(.trainable), 3 * model.configuration.width, family)
      adapter.randomize()
      let rows = try XCTUnwrap(adapter.parameters.first).value.array
      let other = try TestModels.make(family, seed: 3)
      var table = other.decoder.tokens.weight.value.array
      let width = other.configuration.width
      for (row, token) in tokens.enumerated() {
        let place = Int(token) * width
        table.replaceSubrange(place..<place + width, with: rows[row * width..<(row + 1) * width])
      }
      other.decoder.tokens.weight.value = Tensor(
        table, shape: other.decoder.tokens.weight.shape)
      XCTAssertTrue(model.sample.isClose(to: other.sample, within: 1e-5), family)
      XCTAssertFalse(model.sample.isClose(to: before, within: 1e-3), family)
    }
  }

  func testGradientsAreThoseOfTheRowsOfTheTable() throws {
    for family in ["llama", "qwen2", "gemma"] {
      let model = try TestModels.make(family, seed: 3)
      let adapter = try model.attach(TrainableTokens(tokens))
      model.loss(model.batch, isTraining: false).backward()
      let other = try TestModels.make(family, seed: 3)
      let table = other.decoder.tokens.weight
      other.freeze()
      table.isTrainable = true
      other.loss(other.batch, isTraining: false).backward()
      let expected = try XCTUnwrap(table.gradient).rows(at: Indices(tokens))
      let found = try XCTUnwrap(adapter.parameters.first?.gradient)
      XCTAssertTrue(found.isClose(to: expected, within: 1e-4), family)
    }
  }

  func testMergingPutsTheRowsIntoTheTableAndATiedHead() throws {
    for family in ["llama", "qwen2", "gpt2"] {
      for (label, method) in methods {
        let model = try TestModels.make(family, seed: 3)
        let bits = model.bits
        let adapter = try attach(method, to: model)
        adapter.randomize()
        let expected = model.sample
        try model.merge("default")
        XCTAssertTrue(model.sample.isClose(to: expected, within: 1e-5), "\(family) \(label)")
        try model.unmerge("default")
        try model.detach("default")
        XCTAssertEqual(model.bits, bits, "\(family) \(label)")
      }
    }
  }

  func testOnlyTheRowsAreSaved() throws {
    for family in ["llama", "qwen2"] {
      for (label, method) in methods {
        try Files.withTemporaryFolder { folder in
          let model = try TestModels.make(family, seed: 3)
          let adapter = try attach(method, to: model)
          adapter.randomize()
          try adapter.save(to: folder.path)
          let file = try SafetensorsFile(path: folder.path + "/adapter_model.safetensors")
          let rows = file.names.filter { $0.contains("embed_tokens") || $0.contains("lm_head") }
          let inner = label == "lora" ? "token_adapter." : ""
          // PEFT writes them for a tied head again.
          let again =
            label == "rows" && family == "qwen2"
            ? ["base_model.model.lm_head.trainable_tokens_delta"] : []
          XCTAssertEqual(
            rows.sorted(),
            again + ["base_model.model.model.embed_tokens.\(inner)trainable_tokens_delta"])
          let read = try TestModels.make(family, seed: 3)
          try read.loadAdapter(folder.path)
          XCTAssertEqual(read.sample.bits, model.sample.bits, "\(family) \(label)")
        }
      }
    }
  }

  func testWhatNamesNoRowsIsRefused() throws {
    let model = try TestModels.make("llama")
    for tokens in [[], [3, 3], [-1], [1 << 20]] as [[Int32]] {
      let error = expectAdapterError("\(tokens)") { try model.attach(TrainableTokens(tokens)) }
      XCTAssertEqual(error?.label, "invalidSetting token_indices")
    }
    XCTAssertEqual(
      expectAdapterError { try model.attach(TrainableTokens([1], targets: .names(["q_proj"]))) }?
        .label, "notAdaptable model.layers.0.self_attn.q_proj")
    var lora = LoRA(targets: .names(["embed_tokens"]))
    lora.trainableTokens = [1]
    XCTAssertEqual(
      expectAdapterError { try model.attach(lora) }?.label, "notAdaptable model.embed_tokens")
  }

  private func attach(_ method: any AdapterMethod, to model: CausalLM) throws -> Adapter {
    try model.attach(method)
  }
}
