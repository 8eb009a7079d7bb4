import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// LoRA that starts from data: from the inputs of layers (EVA) and from gradients (LoRA-GA).
final class DataDrivenStartTests: XCTestCase {
  private func batches(_ model: CausalLM) -> [TokenBatch] {
    let size = Int32(model.configuration.vocabularySize)
    return (0..<4).map { batch in
      let ids = Indices(
        (0..<48).map { Int32(($0 * 7 + batch * 13 + $0 * $0 % 11) % 61) % size }, shape: [4, 12])
      return TokenBatch(ids: ids, keys: [0..<12, 0..<12, 0..<9, 0..<12], labels: ids)
    }
  }

  func testContract() throws {
    for precision in [Precision.float32, .nf4] {
      try checkAdapter(
        AdapterContract(
          base: { try self.model("gpt2", precision) },
          attach: { host, name in
            let model = try XCTUnwrap(host as? CausalLM)
            guard model.adapters.names.isEmpty else {
              return try model.attach(LoRA(rank: 2, alpha: 4), name: name)
            }
            return try model.attach(
              LoRA(rank: 2, alpha: 4, targets: .allLinear), EVA(), name: name,
              batches: self.batches(model))
          }, mergeTolerance: precision == .float32 ? 2e-5 : 2e-2,
          slopeTolerance: precision == .float32 ? 2e-2 : nil))
    }
  }

  /// The rows of A are orthonormal and hold as much of the variance of the inputs as any R directions can; nearly so where batches
  /// come one after the other.
  func testDirectionsOfInputs() throws {
    for count in [1, 4] {
      let model = try model("llama", .float32)
      // Places of padding, which a run may leave in, are not looked at: here are none.
      let all = batches(model).prefix(count).map {
        TokenBatch(ids: $0.ids, keys: [0..<12, 0..<12, 0..<12, 0..<12], labels: $0.ids)
      }
      let path = "layers.0.mlp.down_proj"
      let inputs = try recorded(model, path, all)
      let adapter = try model.attach(
        LoRA(rank: 4, alpha: 4, targets: .names([path])), EVA(rho: 1, passes: 1), batches: all)
      let layer = adapter.layers(of: LoRALayer.self)[0].layer
      XCTAssertEqual(layer.b.value.largest, 0)
      let a = DoubleMatrix(layer.a.value)
      for (index, value) in (a * a.transposed).values.enumerated() {
        XCTAssertEqual(value, index % 5 == 0 ? 1 : 0, accuracy: 1e-5)
      }
      let centered = inputs - inputs.mean(axis: 0)
      let best = try centered.svd().values.array.prefix(4).reduce(0) { $0 + $1 * $1 }
      let part = DoubleMatrix(centered) * a.transposed
      let found = part.values.reduce(0) { $0 + $1 * $1 }
      XCTAssertEqual(found / Double(best), 1, accuracy: count == 1 ? 1e-4 : 0.05)
    }
  }

  /// What comes into a layer in an evaluation of batches, `[rows, N]`.
  private func recorded(
    _ model: CausalLM, _ path: String, _ batches: [TokenBatch]
  ) throws -> Tensor {
    final class Recorder: LinearAdapter {
      var rows: [Tensor] = []
      var members: Members { [:] }
      func forward(_ input: Tensor, base: Linear, _ context: ForwardContext) -> Tensor {
        rows.append(input.matrix)
        return base.project(input)
      }
    }
    let module = model.walk(includingAdapters: false).modules.first { $0.path.hasSuffix(path) }
    let layer = try XCTUnwrap(module?.module as? Linear)
    let recorder = Recorder()
    layer.adapter = recorder
    for batch in batches { _ = model.evaluate(batch) }
    layer.adapter = nil
    return .concatenated(recorder.rows, axis: 0)
  }

  /// Ranks go where the inputs are simple, their number stays, and the scale of every layer too.
  func testRanksAreDealtOut() throws {
    let model = try model("llama", .float32)
    let targets = Targets.names(["q_proj", "o_proj", "down_proj"])
    let adapter = try model.attach(
      LoRA(rank: 3, alpha: 6, targets: targets), EVA(), batches: batches(model))
    let method = try XCTUnwrap(adapter.method as? LoRA)
    let layers = adapter.layers(of: LoRALayer.self)
    XCTAssertEqual(layers.reduce(0) { $0 + $1.layer.a.shape[0] }, 3 * 6)
    XCTAssertTrue(layers.allSatisfy { $0.layer.a.shape[0] <= 6 })
    XCTAssertTrue(layers.allSatisfy { $0.layer.scale == 2 })
    XCTAssertFalse(method.rankPattern.isEmpty)
    XCTAssertEqual(method.initialization, .eva)
  }

  /// A has the first right singular vectors of the gradient; B the next left ones with their values; the model is unchanged.
  func testGradients() throws {
    for (family, precision) in [("gpt2", Precision.float32), ("llama", .float32), ("gpt2", .nf4)] {
      let model = try model(family, precision)
      let (all, bits, output) = (batches(model), model.bits, model.sample)
      let target = family == "gpt2" ? "h.1.attn.c_attn" : "layers.1.mlp.up_proj"
      let adapter = try model.attach(
        LoRA(rank: 3, alpha: 6, targets: .names([target])), LoRAGA(scale: .unit), batches: all)
      XCTAssertEqual(model.bits, bits)
      XCTAssertEqual(model.parameters(.trainable).count, 2)
      XCTAssertTrue(
        model.sample.isClose(to: output, within: precision == .float32 ? 2e-5 : 1e-2))
      guard precision == .float32 else { continue }
      let layer = adapter.layers(of: LoRALayer.self)[0].layer
      let gradient = try self.gradient(family, target, all)
      let values = try gradient.svd().values.array.map(Double.init)
      let part = DoubleMatrix(gradient) * DoubleMatrix(layer.a.value).transposed
      let expected = values.prefix(3).reduce(0) { $0 + $1 * $1 }
      let found = part.values.reduce(0) { $0 + $1 * $1 }
      XCTAssertEqual(found, expected, accuracy: 2e-3 * expected)
      let b = DoubleMatrix(layer.b.value)
      let squares = (b.transposed * b).values.enumerated().filter { $0.offset % 4 == 0 }
      for (index, square) in squares.enumerated() {
        XCTAssertEqual(square.element.squareRoot(), values[3 + index], accuracy: 0.1 * values[3])
      }
    }
  }

  /// The folder is plain LoRA of twice the rank.
  func testGradientsAreSavedAsLoRA() throws {
    for direction in [LoRAGA.Direction.firstForB, .alternating, .random] {
      for scale in [LoRAGA.Scale.weight, .step, .stable(gamma: 16)] {
        let model = try model("gpt2", .float32)
        let adapter = try model.attach(
          LoRA(rank: 2, alpha: 3, targets: .allLinear),
          LoRAGA(direction: direction, scale: scale), batches: batches(model))
        adapter.randomize()
        let expected = model.sample
        try Files.withTemporaryFolder { folder in
          try adapter.save(to: folder.path)
          let other = try self.model("gpt2", .float32)
          let loaded = try other.loadAdapter(folder.path)
          XCTAssertEqual((loaded.method as? LoRA)?.rank, 4)
          expectClose(other.sample, expected, absolute: 1e-4 * Double(expected.largest))
        }
      }
    }
  }

  func testErrors() throws {
    let model = try model("gpt2", .float32)
    let method = LoRA(rank: 20, targets: .names(["c_attn"]))
    func label(_ body: () throws -> Adapter) -> String? { expectAdapterError { try body() }?.label }
    XCTAssertEqual(
      label { try model.attach(LoRA(), LoRAGA(), batches: []) }, "invalidSetting batches")
    XCTAssertEqual(label { try model.attach(LoRA(), EVA(), batches: []) }, "invalidSetting batches")
    XCTAssertEqual(
      label { try model.attach(LoRA(), EVA(rho: .nan), batches: []) }, "invalidSetting eva_config")
    XCTAssertEqual(
      label { try model.attach(method, LoRAGA(), batches: batches(model)) },
      "notAdaptable transformer.h.0.attn.c_attn")
    var plain = LoRA()
    plain.initialization = .gradients
    XCTAssertEqual(label { try model.attach(plain) }, "invalidSetting initialization")
    XCTAssertTrue(model.adapters.names.isEmpty)
  }

  private func model(_ family: String, _ precision: Precision) throws -> CausalLM {
    let model = try TestModels.make(family)
    model.freeze()
    model.store(as: precision)
    return model
  }

  private func gradient(
    _ family: String, _ target: String, _ batches: [TokenBatch]
  ) throws -> Tensor {
    let model = try model(family, .float32)
    let module = model.walk(includingAdapters: false).modules.first { $0.path.hasSuffix(target) }
    let layer = try XCTUnwrap(module?.module as? Linear)
    layer.weight.isTrainable = true
    for batch in batches { model.loss(batch).backward(scale: 0.25) }
    let gradient = try XCTUnwrap(layer.weight.gradient)
    return layer.layout == .inputOutput ? gradient.transposed : gradient
  }
}
