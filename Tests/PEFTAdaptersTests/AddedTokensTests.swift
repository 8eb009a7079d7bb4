import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Tokens that a vocabulary has more than the folder of its model.
final class AddedTokensTests: XCTestCase {
  /// A folder of a model, tied or not.
  private func withFolder(_ family: String, _ body: (String) throws -> Void) throws {
    try Files.withTemporaryFolder { folder in
      try TestModels.make(family, seed: 3).save(to: folder.path)
      try body(folder.path)
    }
  }

  func testNewRowsStartNearTheMean() throws {
    for family in ["llama", "qwen2", "gpt2", "gemma"] {
      try withFolder(family) { folder in
        let (model, base) = (
          try CausalLM(directory: folder, addedTokens: 3), try CausalLM(directory: folder)
        )
        let size = base.configuration.vocabularySize
        XCTAssertEqual(model.configuration.vocabularySize, size + 3)
        let (table, old) = (
          model.decoder.tokens.weight.value, base.decoder.tokens.weight.value
        )
        XCTAssertEqual(Array(table.array.prefix(old.count)), old.array)
        let mean = old.mean(axis: 0)
        for token in size..<size + 3 {
          let row = table.rows(at: Indices([Int32(token)]))
          expectClose(row.array, mean.array.map(Double.init), absolute: 1e-3)
        }
        XCTAssertNotEqual(
          table.rows(at: Indices([Int32(size)])).array,
          table.rows(at: Indices([Int32(size + 1)])).array)
        // The tokens that were there are what they were.
        let rows = base.sampleRows
        let logits = withoutGradients { model(rows.ids, keys: rows.keys) }
        let kept = logits.matrix.columns(0..<size)
        XCTAssertTrue(kept.isClose(to: base.sample.matrix, within: 1e-6), family)
        try Files.withTemporaryFolder { other in
          try model.save(to: other.path)
          let read = try CausalLM(directory: other.path)
          XCTAssertEqual(read.configuration.vocabularySize, size + 3)
          XCTAssertEqual(read(rows.ids).array, withoutGradients { model(rows.ids) }.array)
        }
      }
    }
  }

  func testAnAdapterKeepsTheTables() throws {
    for family in ["llama", "qwen2"] {
      try withFolder(family) { folder in
        let model = try CausalLM(directory: folder, addedTokens: 2)
        let adapter = try model.attach(LoRA(rank: 2))
        adapter.randomize()
        try Files.withTemporaryFolder { root in
          try adapter.save(to: root.path)
          let file = try SafetensorsFile(path: root.path + "/adapter_model.safetensors")
          XCTAssertEqual(
            file.names.filter { !$0.contains("lora") }.sorted(),
            ["base_model.model.lm_head.weight", "base_model.model.model.embed_tokens.weight"])
          let read = try CausalLM(directory: folder, addedTokens: 2)
          // As in PEFT, what the file holds stands in place of what the base has.
          let table = read.decoder.tokens.weight
          table.value = Tensor(zeros: table.shape)
          try read.loadAdapter(root.path)
          XCTAssertEqual(read.sample.bits, model.sample.bits, family)
        }
      }
    }
  }

  func testPEFTLoadsThem() throws {
    let python = try Python(importing: "peft", "safetensors")
    try Files.withTemporaryFolder { root in
      var folders: [String] = []
      for family in ["llama", "qwen2", "gpt2"] {
        for tokens in (family == "llama" ? [[]] : [[], [3, 48]]) as [[Int32]] {
          let folder = root.appendingPathComponent("\(family)-\(tokens.count)").path
          try TestModels.make(family, seed: 3).save(to: folder + "/smaller")
          let model = try CausalLM(directory: folder + "/smaller", addedTokens: 2)
          var lora = LoRA(rank: 2)
          lora.trainableTokens = tokens
          let adapter = try model.attach(lora)
          adapter.randomize()
          try model.save(to: folder + "/base")
          // Rows that are trained are all that is kept, where the base that is named has the tokens.
          try adapter.save(
            to: folder + "/adapter", baseModel: tokens.isEmpty ? nil : folder + "/base")
          let rows = model.sampleRows
          try SafetensorsFile.write(
            [
              .init("ids", rows.ids),
              .init("lengths", Indices(rows.keys.map { Int32($0.count) })),
              .init("logits", model.sample),
            ], to: folder + "/logits.safetensors")
          folders.append(folder)
        }
      }
      let run = try python([Files.fixture("Adapters/check_adapter.py").path] + folders)
      XCTAssertEqual(run.exitCode, 0, run.output + run.errors)
    }
  }
}
