import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

/// LoRA with a frozen A (LoRA-FA): what it keeps, and the projected gradient.
final class LoRAFATests: XCTestCase {
  private func lora(_ targets: Targets = .allLinear, projects: Bool = false) -> LoRA {
    var method = LoRA(rank: 3, alpha: 6, targets: targets)
    (method.freezesA, method.projectsGradients) = (true, projects)
    return method
  }

  func testContract() throws {
    try checkAdapter(lora(), families: ["gpt2"])
    try checkAdapter(lora(projects: true), families: ["llama"], precisions: [.float32])
  }

  func testOnlyBIsTrained() throws {
    let model = try TestModels.make("llama")
    let adapter = try model.attach(lora())
    XCTAssertTrue(
      adapter.tensors.allSatisfy { $0.role == ($0.name.contains("_A") ? .kept : .trained) })
    XCTAssertEqual(
      model.parameters(.trainable).map(\.parameter.count).reduce(0, +),
      adapter.layers(of: LoRALayer.self).reduce(0) { $0 + $1.layer.b.count })
  }

  /// A layer keeps `A x`, `[rows, R]`, where LoRA keeps x, `[rows, N]`: with dropout as well, which drops the same.
  func testWhatIsKept() throws {
    let (rows, inputs, outputs) = (256, 512, 64)
    func bytes(frozen: Bool, dropout: Float) throws -> (kept: Int, gradient: [Float]) {
      var random = SeededRandom(4)
      let model = SingleMap(random.tensor([outputs, inputs]))
      var method = lora(.names(["map"]))
      (method.freezesA, method.dropout) = (frozen, dropout)
      let adapter = try model.attach(method)
      let x = Parameter(random.tensor([rows, inputs]))
      let context = ForwardContext(dropout: DropoutKeys(seed: 3))
      let before = Pool.shared.statistics.bytesInUse
      let y = model.map(x.tensor + 0, context)
      let kept = Pool.shared.statistics.bytesInUse - before - rows * outputs * 4
      y.sum().backward()
      return (kept, adapter.layers(of: LoRALayer.self)[0].layer.b.gradient?.array ?? [])
    }
    for dropout: Float in [0, 0.3] {
      let usual = try bytes(frozen: false, dropout: dropout)
      let frozen = try bytes(frozen: true, dropout: dropout)
      // Blocks of the pool are a little larger than what they hold.
      XCTAssertGreaterThanOrEqual(usual.kept, rows * (inputs + 3) * 4)
      XCTAssertLessThanOrEqual(frozen.kept, rows * 3 * 4 * 5 / 4)
      XCTAssertEqual(frozen.gradient, usual.gradient)
    }
  }

  /// `s g' A` is the gradient of the whole weight, projected on the rows of A: `G A^T (A A^T)^-1 A`.
  func testProjection() throws {
    var random = SeededRandom(6)
    let model = SingleMap(random.tensor([7, 12]))
    let adapter = try model.attach(lora(.names(["map"]), projects: true))
    let layer = adapter.layers(of: LoRALayer.self)[0].layer
    let (x, g) = (random.tensor([5, 12]), random.tensor([5, 7]))
    model.map(x, ForwardContext()).backward(gradient: g)
    adapter.controller?.parametersWillChange(gradientScale: 1)
    let found = DoubleMatrix(try XCTUnwrap(layer.b.gradient)) * DoubleMatrix(layer.a.value)
    let whole = DoubleMatrix(g).transposed * DoubleMatrix(x)
    // A projection on an orthonormal basis of the rows of A.
    let basis = DoubleMatrix(try layer.a.value.transposed.qr().q)
    let expected = whole * basis * basis.transposed
    for (value, reference) in zip(found.values, expected.values) {
      XCTAssertEqual(2 * value, reference, accuracy: 1e-4)
    }
  }

  func testSettings() throws {
    var method = LoRA()
    method.projectsGradients = true
    let model = try TestModels.make("gpt2")
    XCTAssertEqual(
      expectAdapterError { try model.attach(method) }?.label, "invalidSetting projectsGradients")
  }
}
