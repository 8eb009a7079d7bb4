import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class BitFitTests: XCTestCase {
  func testContract() throws { try checkAdapter(BitFit(), families: ["gpt2", "qwen2"]) }

  func testTrainsEveryBias() throws {
    let model = try TestModels.make("gpt2")
    let adapter = try model.attach(BitFit())
    let biases = model.walk(includingAdapters: false).parameters.filter {
      $0.path.hasSuffix("bias")
    }
    XCTAssertEqual(adapter.parameterCount, biases.reduce(0) { $0 + $1.parameter.count })
    // Two blocks of width 32: two norms, 3 x 32 + 32 in attention, 128 + 32 behind it; and the last norm.
    XCTAssertEqual(adapter.parameterCount, 2 * (64 + 128 + 160) + 32)
  }

  /// The biases of the query and of the second map of the feed-forward part, as in the paper.
  func testTargetsRestrictIt() throws {
    let model = try TestModels.make("gpt2")
    let adapter = try model.attach(BitFit(targets: .names(["c_attn", "mlp.c_fc"])))
    XCTAssertEqual(adapter.parameterCount, 2 * (96 + 128))
    var method = BitFit()
    method.selection.excluded = .pattern(".*ln_.*")
    XCTAssertEqual(try method.plan(model).trainableCount, 2 * (128 + 160))
  }

  func testHead() throws {
    var method = BitFit()
    method.selection.modulesToSave = ["lm_head"]
    let model = try TestModels.make("qwen2")
    let adapter = try model.attach(method)
    let head = try XCTUnwrap(model.outputHead)
    XCTAssertEqual(
      adapter.parameterCount, 2 * (32 + 16 + 16) + head.weight.count)
  }

  func testNamesInTheFile() throws {
    try Files.withTemporaryFolder { folder in
      let model = try TestModels.make("gpt2")
      try model.attach(BitFit(targets: .names(["ln_f"]))).save(to: folder.path)
      let file = try SafetensorsFile(path: folder.path + "/adapter_model.safetensors")
      XCTAssertEqual(file.names, ["base_model.model.transformer.ln_f.bias"])
      let other = try TestModels.make("gpt2")
      XCTAssertEqual(try other.loadAdapter(folder.path).parameterCount, 32)
    }
  }

  func testModelsWithoutBiases() throws {
    let model = try TestModels.make("llama")
    XCTAssertEqual(expectAdapterError { try model.attach(BitFit()) }?.label, "nothingSelected")
    XCTAssertEqual(
      expectAdapterError { try model.attach(BitFit(targets: .names(["norm"]))) }?.label,
      "notAdaptable model.norm")
  }
}
