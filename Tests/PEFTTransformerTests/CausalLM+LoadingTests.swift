import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class CausalLMLoadingTests: XCTestCase {
  /// Loads a fixture whose tensors were changed.
  private func load(
    _ name: String, _ change: (inout [(name: String, tensor: Tensor)]) -> Void
  ) throws -> CausalLM {
    try Files.withTemporaryFolder { folder in
      let source = Files.fixture("Models/\(name)")
      let checkpoint = try Checkpoint(folder: source.path)
      var tensors = try checkpoint.names.map { (name: $0, tensor: try checkpoint.tensor($0)) }
      change(&tensors)
      try Checkpoint.write(
        tensors.map { SafetensorsFile.Item($0.name, $0.tensor) }, folder: folder.path)
      try FileManager.default.copyItem(
        at: source.appendingPathComponent("config.json"),
        to: folder.appendingPathComponent("config.json"))
      return try CausalLM(directory: folder.path)
    }
  }

  private func expectRefused(
    _ name: String, _ message: String, file: StaticString = #filePath, line: UInt = #line,
    _ change: (inout [(name: String, tensor: Tensor)]) -> Void
  ) {
    XCTAssertThrowsError(try load(name, change), file: file, line: line) { error in
      XCTAssertTrue("\(error)".hasSuffix(message), "\(error)", file: file, line: line)
    }
  }

  func testAMissingTensorIsNamedWithTheNamesLikeIt() {
    expectRefused(
      "llama",
      "has no tensor \"model.layers.1.mlp.up_proj.bias\"; did you mean "
        + "\"model.layers.0.mlp.up_proj.bias\" or \"model.layers.1.mlp.up_proj.bia\" or "
        + "\"model.layers.1.mlp.down_proj.bias\"?"
    ) { tensors in
      let index = tensors.firstIndex { $0.name == "model.layers.1.mlp.up_proj.bias" } ?? 0
      tensors[index].name = "model.layers.1.mlp.up_proj.bia"
    }
    // Not tied, so that the head must be there.
    expectRefused("mistral", "has no tensor \"lm_head.weight\"") { tensors in
      tensors.removeAll { $0.name == "lm_head.weight" }
    }
  }

  func testAMisshapenTensorIsNamedWithBothShapes() {
    expectRefused(
      "llama",
      "tensor \"model.layers.0.self_attn.k_proj.weight\" has shape [16, 12], expected [12, 16]"
    ) { tensors in
      let index =
        tensors.firstIndex { $0.name == "model.layers.0.self_attn.k_proj.weight" } ?? 0
      tensors[index].tensor = tensors[index].tensor.reshaped([16, 12])
    }
  }

  func testUnexpectedTensorsAreListed() {
    expectRefused(
      "qwen2",
      "has 2 tensors that nothing would read: \"model.layers.0.self_attn.o_proj.bias\", "
        + "\"model.layers.2.input_layernorm.weight\""
    ) { tensors in
      tensors.append(("model.layers.0.self_attn.o_proj.bias", Tensor(zeros: [16])))
      tensors.append(("model.layers.2.input_layernorm.weight", Tensor(zeros: [16])))
    }
  }

  func testAHeadThatIsTiedAndYetStoredIsPassedOver() throws {
    // Old versions of Transformers saved it twice; the table counts.
    let item = try ModelFixture("qwen2")
    let model = try load("qwen2") { tensors in
      tensors.append(("lm_head.weight", Tensor(zeros: [48, 16])))
    }
    let ids = try item.indices("short_ids")
    XCTAssertEqual(model(ids).array, item.model(ids).array)
  }

  func testFoldersWithoutWhatIsNeeded() throws {
    try Files.withTemporaryFolder { folder in
      XCTAssertThrowsError(try CausalLM(directory: folder.path)) { error in
        XCTAssertTrue(
          "\(error)".hasPrefix("\(folder.path)/config.json: cannot be read"), "\(error)")
      }
      try FileManager.default.copyItem(
        at: Files.fixture("Models/llama/config.json"),
        to: folder.appendingPathComponent("config.json"))
      XCTAssertThrowsError(try CausalLM(directory: folder.path))
      try Data([0x80]).write(to: folder.appendingPathComponent("pytorch_model.bin"))
      XCTAssertThrowsError(try CausalLM(directory: folder.path)) { error in
        guard case .unsupportedFile? = error as? CheckpointError else {
          return XCTFail("\(error)")
        }
      }
    }
  }

  func testEverythingIsFrozenAndTheOriginIsKnown() throws {
    for item in try ModelFixture.all() {
      XCTAssertTrue(item.model.parameters(.trainable).isEmpty, item.name)
      XCTAssertEqual(item.model.origin?.folder, item.folder)
    }
  }
}
