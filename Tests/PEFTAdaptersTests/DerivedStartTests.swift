import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// LoRA whose start is made from the base: PiSSA and OLoRA.
final class DerivedStartTests: XCTestCase {
  private func lora(
    _ start: LoRA.Initialization, _ targets: Targets = .allLinear, rank: Int = 3
  ) -> LoRA {
    var method = LoRA(rank: rank, alpha: 2 * Double(rank), targets: targets)
    method.initialization = start
    return method
  }

  func testContract() throws {
    let cases: [(LoRA.Initialization, String, Precision)] = [
      (.pissa, "llama", .float32), (.pissa, "gpt2", .nf4), (.olora, "gpt2", .float32),
      (.olora, "llama", .bfloat16), (.fastPiSSA(iterations: 2), "qwen2", .float32),
      (.orthogonal, "gpt2", .float32),
    ]
    for (start, family, precision) in cases {
      // Products that round their inputs are steps to the slope of a factor that starts large.
      try checkAdapter(lora(start, rank: 4), families: [family], precisions: [precision]) {
        $0.identityTolerance = precision == .float32 ? 2e-5 : 5e-3
        if precision != .float32 { $0.slopeTolerance = nil }
      }
    }
    var decomposed = lora(.pissa, .names(["q_proj", "up_proj"]))
    decomposed.usesWeightDecomposition = true
    try checkAdapter(decomposed, families: ["llama"], precisions: [.nf4]) {
      ($0.identityTolerance, $0.slopeTolerance) = (5e-3, nil)
    }
  }

  /// With `W = U diag(S) V^T`, `s B0 A0` has the largest singular values, and `|W - s B0 A0|^2` is the sum of the other squares.
  func testPiSSATakesTheLargestValues() throws {
    for layout in [WeightLayout.outputInput, .inputOutput] {
      for start in [LoRA.Initialization.pissa, .fastPiSSA(iterations: 16)] {
        let (weight, values) = try matrix()
        let (model, layer) = try attached(start, weight, layout)
        let product = DoubleMatrix(layer.b.value) * DoubleMatrix(layer.a.value)
        let rest = zip(weight.array, product.values).map { Double($0) - 2 * $1 }
        let expected = values.dropFirst(3).reduce(0) { $0 + $1 * $1 }
        let found = rest.reduce(0) { $0 + $1 * $1 }
        XCTAssertEqual(found, expected, accuracy: 1e-4 * expected, "\(start)")
        // Both factors have the same share: the squares of their columns and rows are S / s.
        let (a, b) = (DoubleMatrix(layer.a.value), DoubleMatrix(layer.b.value))
        let squares = (a * a.transposed).values.enumerated().filter { $0.offset % 4 == 0 }
        let others = (b.transposed * b).values.enumerated().filter { $0.offset % 4 == 0 }
        for (index, value) in values.prefix(3).enumerated() {
          XCTAssertEqual(squares[index].element, value / 2, accuracy: 1e-3 * value)
          XCTAssertEqual(others[index].element, value / 2, accuracy: 1e-3 * value)
        }
        let input = Tensor(repeating: 1, shape: [1, 8])
        expectClose(
          model.map(input, ForwardContext()), model.map.project(input), absolute: 1e-5)
      }
    }
  }

  /// B has orthonormal columns, A is upper trapezoidal, and `W - B A` is orthogonal to B.
  func testOLoRA() throws {
    for layout in [WeightLayout.outputInput, .inputOutput] {
      let (weight, _) = try matrix()
      let (_, layer) = try attached(.olora, weight, layout)
      let (a, b) = (DoubleMatrix(layer.a.value), DoubleMatrix(layer.b.value))
      for (index, value) in (b.transposed * b).values.enumerated() {
        XCTAssertEqual(value, index % 4 == 0 ? 1 : 0, accuracy: 1e-5)
      }
      for row in 0..<3 {
        for column in 0..<row { XCTAssertEqual(a[row, column], 0, accuracy: 1e-6) }
      }
      let projection = b.transposed * DoubleMatrix(weight)
      for (found, expected) in zip(projection.values, a.values) {
        XCTAssertEqual(found, expected, accuracy: 1e-5)
      }
    }
  }

  /// The exported folder is plain LoRA of twice the rank, with the same outputs.
  func testExport() throws {
    for (family, isStabilized) in [("gpt2", false), ("llama", true)] {
      for start in [LoRA.Initialization.pissa, .olora] {
        let model = try TestModels.make(family)
        var method = lora(start)
        method.isRankStabilized = isStabilized
        method.rankPattern = [.init(family == "gpt2" ? "mlp.c_fc" : "up_proj", 2)]
        method.alphaPattern = [.init(family == "gpt2" ? "h.1.attn.c_attn" : "q_proj", 5)]
        let adapter = try model.attach(method)
        adapter.randomize()
        let expected = model.sample
        try Files.withTemporaryFolder { folder in
          try adapter.exportAsLoRA(to: folder.path)
          let other = try TestModels.make(family)
          let plain = try other.loadAdapter(folder.path)
          let settings = try XCTUnwrap(plain.method as? LoRA)
          XCTAssertEqual(settings.initialization, .kaiming)
          XCTAssertEqual(settings.rank, 6)
          expectClose(other.sample, expected, absolute: 2e-5 * Double(expected.largest))
        }
      }
    }
    let plain = try TestModels.make("gpt2").attach(LoRA())
    XCTAssertEqual(expectAdapterError { try plain.exportAsLoRA(to: "/tmp") }?.label, "wrongState")
  }

  /// What is derived comes from the base itself, whatever is merged into it when the adapter is loaded.
  func testLoadingBesideAMergedAdapter() throws {
    let model = try TestModels.make("llama")
    let adapter = try model.attach(lora(.pissa))
    adapter.randomize()
    let layer = adapter.layers(of: LoRALayer.self)[0].layer
    try Files.withTemporaryFolder { folder in
      try adapter.save(to: folder.path)
      let other = try TestModels.make("llama")
      try other.attach(LoRA(), name: "merged").randomize()
      try other.merge("merged")
      let loaded = try other.loadAdapter(folder.path).layers(of: LoRALayer.self)[0].layer
      XCTAssertEqual(loaded.start?.a.value.bits, layer.start?.a.value.bits)
      XCTAssertEqual(loaded.start?.b.value.bits, layer.start?.b.value.bits)
    }
  }

  func testErrors() throws {
    let model = try TestModels.make("gpt2")
    func label(_ method: LoRA) -> String? {
      expectAdapterError { try model.attach(method) }?.label
    }
    XCTAssertEqual(
      label(lora(.pissa, .names(["c_attn"]), rank: 33)), "notAdaptable transformer.h.0.attn.c_attn")
    XCTAssertEqual(label(lora(.pissa, .names(["wte"]))), "notAdaptable transformer.wte")
    XCTAssertEqual(label(lora(.orthogonal)), "invalidSetting rank")
    XCTAssertEqual(label(lora(.fastPiSSA(iterations: -1))), "invalidSetting init_lora_weights")
    var biased = lora(.pissa)
    biased.hasBias = true
    XCTAssertEqual(label(biased), "invalidSetting lora_bias")
  }

  /// A matrix `[10, 8]` with known singular values.
  private func matrix() throws -> (weight: Tensor, values: [Double]) {
    var random = SeededRandom(11)
    let values: [Float] = [5, 4, 3, 1.5, 1, 0.5, 0.25, 0.1]
    let u = try random.tensor([10, 8]).qr().q
    let v = try random.tensor([8, 8]).qr().q
    return ((u * Tensor(values)).matrixProduct(v.transposed), values.map(Double.init))
  }

  private func attached(
    _ start: LoRA.Initialization, _ weight: Tensor, _ layout: WeightLayout
  ) throws -> (SingleMap, LoRALayer) {
    let model = SingleMap(layout == .outputInput ? weight : weight.transposed, layout: layout)
    let adapter = try model.attach(lora(start, .names(["map"])))
    return (model, adapter.layers(of: LoRALayer.self)[0].layer)
  }
}
