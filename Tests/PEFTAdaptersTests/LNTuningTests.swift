import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class LNTuningTests: XCTestCase {
  func testContract() throws { try checkAdapter(LNTuning()) }

  func testNormsOfEveryFamily() throws {
    for (family, count) in [("gpt2", 5), ("llama", 5), ("mistral", 5), ("qwen2", 2)] {
      let model = try TestModels.make(family)
      let adapter = try model.attach(LNTuning())
      // Two blocks of width 32; layer norms have a bias as well.
      let size = family == "gpt2" ? 64 : 32
      XCTAssertEqual(adapter.parameterCount, count * size, family)
      XCTAssert(adapter.modules.isEmpty, "nothing is put beside the base")
    }
  }

  func testNamesInTheFile() throws {
    try Files.withTemporaryFolder { folder in
      let model = try TestModels.make("gpt2")
      try model.attach(LNTuning(targets: .names(["ln_f"]))).save(to: folder.path)
      let file = try SafetensorsFile(path: folder.path + "/adapter_model.safetensors")
      XCTAssertEqual(
        file.names.sorted(),
        ["bias", "weight"].map { "base_model.model.transformer.ln_f.ln_tuning_layers.\($0)" })
    }
  }

  func testWhatCannotBeTuned() throws {
    let model = try TestModels.make("gpt2")
    for (path, label) in [
      ("attn", "notAdaptable transformer.h.0.attn"), ("lm_head", "notAdaptable lm_head"),
    ] {
      let error = expectAdapterError { try model.attach(LNTuning(targets: .names([path]))) }
      XCTAssertEqual(error?.label, label)
    }
    var method = LNTuning()
    method.selection.layersToTransform = [1]
    XCTAssertEqual(
      expectAdapterError { try model.attach(method) }?.label, "invalidSetting layers_to_transform")
    method = LNTuning()
    method.selection.bias = .all
    XCTAssertEqual(expectAdapterError { try model.attach(method) }?.label, "invalidSetting bias")
  }

  /// Two of them both replace the norms.
  func testTwoCannotBeActiveTogether() throws {
    let model = try TestModels.make("llama")
    try model.attach(LNTuning(), name: "one")
    try model.attach(LNTuning(), name: "two")
    XCTAssertEqual(
      expectAdapterError { try model.activate(["one", "two"]) }?.label, "conflict")
  }
}
