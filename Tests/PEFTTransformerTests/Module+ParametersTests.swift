import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class ModuleParametersTests: XCTestCase {
  func testEveryStoredMemberIsListed() throws {
    for item in try ModelFixture.all() {
      XCTAssertEqual(unlistedMembers(of: item.model), [], item.name)
    }
  }

  func testAMissingMemberIsNoticed() {
    final class Forgetful: Module {
      let kept = Linear(weight: Parameter(Tensor(zeros: [2, 2])))
      let list = [Linear(weight: Parameter(Tensor(zeros: [2, 2])))]
      let pair: (Int, Parameter?) = (1, Parameter(Tensor(zeros: [1])))
      var members: Members { ["kept": kept] }
    }
    XCTAssertEqual(
      unlistedMembers(of: Forgetful()), ["Forgetful.list at \"\"", "Forgetful.pair at \"\""])
  }

  func testPathsAreTheNamesInTheCheckpoint() throws {
    for item in try ModelFixture.all() {
      let checkpoint = try Checkpoint(folder: item.folder)
      let stored = checkpoint.names.filter { name in
        !name.hasSuffix(".attn.bias") && !name.hasSuffix("masked_bias")
          && !name.hasSuffix("inv_freq")
      }
      let prefix = item.name == "gpt2-bare" ? "transformer." : ""
      XCTAssertEqual(
        item.model.parameters().map(\.path).sorted(), stored.map { prefix + $0 }.sorted(),
        item.name)
      for named in item.model.parameters() {
        let name = String(named.path.dropFirst(prefix.count))
        XCTAssertEqual(checkpoint[name]?.shape, named.parameter.shape, named.path)
        XCTAssertEqual(try checkpoint.tensor(name).array, named.parameter.value.array, named.path)
      }
    }
  }

  func testATiedHeadCountsOnce() throws {
    // 48 x 16 embeddings; two blocks of 4 x 6 queries, 2 x 2 x 6 keys and values with biases, an output map of 24 x 16
    // with bias, three maps of 16 x 24 with biases and two norms; a norm.
    let attention = (24 + 12 + 12) * 17 + 16 * 25
    let forward = 2 * 24 * 17 + 16 * 25
    let count = 48 * 16 + 2 * (attention + forward + 2 * 16) + 16
    let model = try ModelFixture("llama").model
    XCTAssertTrue(model.head.weight.isTied)
    XCTAssertEqual(model.parameterCount(), count)
    XCTAssertEqual(model.byteCount(), 4 * count)
    XCTAssertFalse(model.parameters().contains { $0.path.hasPrefix("lm_head") })
    let untied = try ModelFixture("mistral").model
    XCTAssertEqual(untied.parameters().last?.path, "lm_head.weight")
  }

  func testFreezingByPath() throws {
    let model = try ModelFixture("gpt2").model
    let all = model.parameters().count
    XCTAssertEqual(model.parameters(.trainable).count, 0, "a loaded model is frozen")
    XCTAssertEqual(model.parameterCount(.frozen), model.parameterCount())

    XCTAssertEqual(model.unfreeze { $0.hasSuffix("ln_1.weight") }, 2)
    XCTAssertEqual(
      model.parameters(.trainable).map(\.path),
      ["transformer.h.0.ln_1.weight", "transformer.h.1.ln_1.weight"])
    XCTAssertEqual(model.parameterCount(.trainable), 32)
    XCTAssertEqual(model.byteCount(.trainable), 128)
    XCTAssertEqual(model.parameterCount(.frozen), model.parameterCount() - 32)
    XCTAssertEqual(model.parameters(.frozen).count, all - 2)

    XCTAssertEqual(model.unfreeze { $0.contains("no such part") }, 0)
    XCTAssertEqual(model.unfreeze(), all)
    model.freeze { $0.contains(".h.0.") }
    XCTAssertFalse(model.parameters(.trainable).contains { $0.path.contains(".h.0.") })
    XCTAssertEqual(model.parameters(.frozen).count, 12)
    model.freeze()
    XCTAssertEqual(model.byteCount(.trainable), 0)
  }

  func testOnlyUnfrozenParametersGetGradients() throws {
    let item = try ModelFixture("qwen2-window")
    let model = item.model
    model.unfreeze { $0.contains("layers.1.self_attn") }
    model.loss(try item.batch()).backward()
    for named in model.parameters() {
      XCTAssertEqual(
        named.parameter.gradient != nil, named.path.contains("layers.1.self_attn"), named.path)
    }
    // A head that is tied trains with the table: its gradient is in one place.
    let tied = try ModelFixture("qwen2")
    tied.model.unfreeze { $0.hasSuffix("embed_tokens.weight") }
    tied.model.loss(try tied.batch()).backward()
    XCTAssertEqual(
      tied.model.head.weight.gradient?.array, tied.model.decoder.tokens.weight.gradient?.array)
    XCTAssertNotNil(tied.model.head.weight.gradient)
  }

  func testModulesAreVisitedFromTheOutside() throws {
    let paths = try ModelFixture("gpt2-untied").model.walk.modules.map(\.path)
    XCTAssertEqual(
      paths,
      [
        "", "transformer", "transformer.wte", "transformer.wpe", "transformer.h.0",
        "transformer.h.0.ln_1", "transformer.h.0.attn", "transformer.h.0.attn.c_attn",
        "transformer.h.0.attn.c_proj", "transformer.h.0.ln_2", "transformer.h.0.mlp",
        "transformer.h.0.mlp.c_fc", "transformer.h.0.mlp.c_proj", "transformer.ln_f", "lm_head",
      ])
  }
}
