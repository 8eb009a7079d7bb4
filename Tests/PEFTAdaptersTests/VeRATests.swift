import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class VeRATests: XCTestCase {
  func testContract() throws {
    try checkAdapter(VeRA(rank: 16)) {
      // Most of the change comes from the few scales of the inside.
      $0.slopeTolerance = $0.slopeTolerance.map { $0 * 2 }
    }
  }

  func testContractWithoutSavedProjections() throws {
    var method = VeRA(rank: 16, targets: .allLinear)
    (method.savesProjection, method.projectionKey) = (false, 7)
    try checkAdapter(method, precisions: [.float32])
  }

  /// A and B are PyTorch's, to the bit: this folder has them, made from a seed that needs more than 32 bits.
  func testProjectionsAreThoseOfPyTorch() throws {
    let folder = Files.fixture("Oracle/gpt2-vera")
    let file = try SafetensorsFile(
      path: folder.path + "/adapter_initial/adapter_model.safetensors")
    var method = VeRA(rank: 5, targets: .names(["attn.c_proj", "mlp.c_fc"]))
    method.projectionKey = (1 << 40) + 5
    let model = try CausalLM(directory: folder.path + "/base")
    let shared = try model.attach(method).sharedTensors
    XCTAssertEqual(shared.map(\.name), ["base_model.vera_A", "base_model.vera_B"])
    for tensor in shared {
      XCTAssertEqual(
        tensor.parameter.value.bits, try file.tensor(tensor.name).bits, tensor.name)
    }
    // More numbers than the generator's state holds, so that it was renewed.
    XCTAssertGreaterThan(shared.reduce(0) { $0 + $1.parameter.count }, 624)
  }

  /// `W x + b * (B (d * (A x)))`, in Double.
  func testFormula() throws {
    let host = OneLayer(inputs: 6, outputs: 4)
    let adapter = try host.attach(VeRA(rank: 3, targets: .names(["layer"])))
    adapter.randomize()
    let layer = try XCTUnwrap(adapter.layers(of: VeRALayer.self).first?.layer)
    var (a, b) = (DoubleMatrix(layer.a.value), DoubleMatrix(layer.b.value))
    let (inner, outer) = (layer.inner.value.array, layer.outer.value.array)
    for row in 0..<3 { for column in 0..<6 { a[row, column] *= Double(inner[row]) } }
    for row in 0..<4 { for column in 0..<3 { b[row, column] *= Double(outer[row]) } }
    expectClose(host().array, host.expected(change: b * a).values, absolute: 1e-5)
  }

  func testSharedProjectionsAreAsLargeAsTheLargestLayer() throws {
    let model = try TestModels.make("llama")
    let method = VeRA(rank: 4, targets: .names(["q_proj", "k_proj", "down_proj"]))
    let adapter = try model.attach(method)
    XCTAssertEqual(adapter.sharedTensors.map(\.parameter.shape), [[4, 72], [32, 4]])
    XCTAssertFalse(adapter.sharedTensors.contains { $0.parameter.isTrainable })
    // R and M of each layer; A and B are not trained.
    XCTAssertEqual(adapter.parameterCount, 2 * (3 * 4 + 32 + 16 + 32))
  }

  func testFilesWithoutProjectionsAreSmall() throws {
    try Files.withTemporaryFolder { folder in
      var method = VeRA(rank: 8)
      method.savesProjection = false
      let model = try TestModels.make("llama")
      try model.attach(method).save(to: folder.path)
      let file = try SafetensorsFile(path: folder.path + "/adapter_model.safetensors")
      XCTAssert(file.names.allSatisfy { $0.contains("vera_lambda") })
      let other = try TestModels.make("llama")
      XCTAssertEqual(
        try other.loadAdapter(folder.path).sharedTensors.map(\.parameter.shape),
        [[8, 32], [32, 8]])
    }
  }

  func testSettingsThatMakeNoSense() throws {
    let model = try TestModels.make("llama")
    func label(_ change: (inout VeRA) -> Void) -> String? {
      var method = VeRA(rank: 4)
      change(&method)
      return expectAdapterError { try model.attach(method) }?.label
    }
    XCTAssertEqual(label { $0.rank = 0 }, "invalidSetting rank")
    XCTAssertEqual(label { $0.dropout = .nan }, "invalidSetting vera_dropout")
    XCTAssertEqual(label { $0.initialScale = .infinity }, "invalidSetting d_initial")
    XCTAssertEqual(
      label { $0.selection.targets = .names(["norm"]) }, "notAdaptable model.norm")
  }
}
