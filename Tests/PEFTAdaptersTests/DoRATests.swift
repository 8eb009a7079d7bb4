import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// LoRA with the lengths of its rows trained apart (DoRA).
final class DoRATests: XCTestCase {
  private func dora(_ targets: Targets = .allLinear, rank: Int = 3, alpha: Double = 6) -> LoRA {
    var method = LoRA(rank: rank, alpha: alpha, targets: targets)
    method.usesWeightDecomposition = true
    return method
  }

  /// The gradient holds the norms fixed, which the slope of the loss does not.
  func testContract() throws {
    try checkAdapter(dora(), families: ["gpt2"]) { $0.slopeTolerance = nil }
    try checkAdapter(dora(), families: ["llama"], precisions: [.nf4]) { $0.slopeTolerance = nil }
    try checkAdapter(
      dora(.names(["embed_tokens", "lm_head", "v_proj"])), families: ["llama"],
      precisions: [.float32]
    ) { $0.slopeTolerance = nil }
    var random = dora(.names(["c_attn"]))
    random.initialization = .random
    try checkAdapter(random, families: ["gpt2"], precisions: [.float32]) {
      ($0.slopeTolerance, $0.identityTolerance) = (nil, nil)
    }
  }

  /// Numbers that were worked out in double precision.
  func testWorkedExample() throws {
    for layout in [WeightLayout.outputInput, .inputOutput] {
      let (model, layer) = try example(layout)
      let x = Parameter(Tensor([1, 2, -1], shape: [1, 3]))
      let y = model.map(x.tensor, ForwardContext())
      expectClose(y.array, [-4.266635572, 17.33461629], relative: 1e-6)
      y.backward(gradient: Tensor([1, -1], shape: [1, 2]))
      expectClose(
        layer.magnitude?.gradient?.array ?? [], [-1.036642111, -2.194958739], relative: 1e-5)
      expectClose(
        layer.a.gradient?.array ?? [], [5.274348811, 10.548697621, -5.274348811], relative: 1e-5)
      expectClose(layer.b.gradient?.array ?? [], [-4.977741501, 6.741239668], relative: 1e-5)
      XCTAssertNil(model.map.weight.gradient)
      let report = try model.merge()
      XCTAssertLessThan(report.relativeDifference, 1e-6)
    }
  }

  /// `y = W x + (m / c - 1) W x' + (m / c) s B A x'` with `x' = dropout(x)`: the base sees all of x.
  func testDropout() throws {
    let (model, layer) = try example(.outputInput, dropout: 0.4)
    let x = Tensor([1, 2, -1], shape: [1, 3])
    let factor = [4.115823125 / 11.575836903, 7.897467949 / 16.401219467]
    let (w, v) = ([[1.0, 2, 3], [4, 5, 6]], [[3.0, -2, 11], [0, 13, -10]])
    for seed in 0..<20 as Range<UInt64> {
      let part = x.dropout(0.4, key: DropoutKeys(seed: seed).next()).array.map(Double.init)
      var expected = [0.0, 0.0]
      for row in 0..<2 {
        for column in 0..<3 {
          expected[row] += w[row][column] * (Double(x.array[column]) - part[column])
          expected[row] += factor[row] * v[row][column] * part[column]
        }
      }
      let y = model.map(x, ForwardContext(dropout: DropoutKeys(seed: seed)))
      expectClose(y.array, expected, relative: 1e-5, absolute: 1e-5)
    }
    XCTAssertEqual(layer.scale, 4)
  }

  /// The norms are those of the whole weight, and follow every change.
  func testNorms() throws {
    for layout in [WeightLayout.outputInput, .inputOutput] {
      var random = SeededRandom(7)
      let weight = random.tensor([9, 12])
      let model = SingleMap(
        layout == .outputInput ? weight : weight.transposed, layout: layout)
      let adapter = try model.attach(dora(.names(["map"])))
      let layer = adapter.layers(of: LoRALayer.self)[0].layer
      let magnitude = try XCTUnwrap(layer.magnitude)
      expectClose(magnitude.value.array, norms(weight, nil, nil), relative: 1e-6)
      for change in 0..<3 {
        layer.a.value = random.tensor([3, 12])
        if change > 0 { layer.b.value = random.tensor([9, 3]) }
        let lengths = norms(weight, layer.b.value, layer.a.value)
        let input = random.tensor([1, 12])
        let delta = DoubleMatrix(layer.b.value) * DoubleMatrix(layer.a.value)
        let whole = zip(weight.array, delta.values).map { Double($0) + 2 * $1 }
        let expected = (0..<9).map { (row: Int) -> Double in
          let dot = (0..<12).reduce(0.0) { $0 + whole[row * 12 + $1] * Double(input.array[$1]) }
          return Double(magnitude.value.array[row]) / lengths[row] * dot
        }
        expectClose(
          model.map(input, ForwardContext()).array, expected, relative: 1e-5, absolute: 1e-6)
      }
    }
  }

  func testRowsOfZeros() throws {
    let model = SingleMap(Tensor([0, 0, 0, 1, 2, 3], shape: [2, 3]))
    let adapter = try model.attach(dora(.names(["map"]), rank: 1))
    let layer = adapter.layers(of: LoRALayer.self)[0].layer
    let output = model.map(Tensor([1, 1, 1], shape: [1, 3]), ForwardContext())
    expectClose(output.array, [0, 6], absolute: 1e-6)
    output.sum().backward()
    XCTAssertTrue(adapter.parameters.allSatisfy { $0.gradient?.isFinite ?? true })
    layer.b.value = Tensor(repeating: 1, shape: [2, 1])
    XCTAssertTrue(model.map(Tensor([1, 1, 1], shape: [1, 3]), ForwardContext()).isFinite)
    try model.merge()
    XCTAssertTrue(model.map.weight.value.isFinite)
  }

  func testSettings() throws {
    var method = dora()
    method.hasBias = true
    let model = try TestModels.make("gpt2")
    let error = expectAdapterError { try model.attach(method) }
    XCTAssertEqual(error?.label, "invalidSetting lora_bias")
  }

  private func example(
    _ layout: WeightLayout, dropout: Float = 0
  ) throws -> (SingleMap, LoRALayer) {
    let weight = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
    let model = SingleMap(layout == .outputInput ? weight : weight.transposed, layout: layout)
    var method = dora(.names(["map"]), rank: 1, alpha: 4)
    method.dropout = dropout
    let layer = try model.attach(method).layers(of: LoRALayer.self)[0].layer
    layer.a.value = Tensor([0.5, -1, 2], shape: [1, 3])
    layer.b.value = Tensor([1, -2], shape: [2, 1])
    layer.magnitude?.value = Tensor([4.115823125, 7.897467949])
    return (model, layer)
  }

  private func norms(_ weight: Tensor, _ b: Tensor?, _ a: Tensor?) -> [Double] {
    var values = weight.array.map(Double.init)
    if let a, let b {
      for (index, change) in (DoubleMatrix(b) * DoubleMatrix(a)).values.enumerated() {
        values[index] += 2 * change
      }
    }
    let columns = weight.columns
    return (0..<weight.rows).map { row in
      values[row * columns..<(row + 1) * columns].reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
  }
}
