import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// The branch of one layer: numbers, gradients, dropout, and how it starts.
final class LoRABranchTests: XCTestCase {
  /// A linear layer that is a whole model.
  private final class OneLayer: AdapterHost {
    let map: Linear
    let adapters = AdapterRegistry()
    var members: Members { ["map": map] }
    init(_ weight: Tensor, layout: WeightLayout = .outputInput) {
      map = Linear(weight: Parameter(weight), layout: layout)
    }
    func probeOutput() -> Tensor {
      map(Tensor(repeating: 1, shape: [1, map.inputs]), ForwardContext())
    }
  }

  /// W, A, B, s, x and g of a case that was worked out by hand: y, dA, dB, dx, and the merged weight are whole numbers.
  func testWorkedExample() throws {
    for layout in [WeightLayout.outputInput, .inputOutput] {
      let weight = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
      let model = OneLayer(layout == .outputInput ? weight : weight.transposed, layout: layout)
      let adapter = try model.attach(LoRA(rank: 1, alpha: 4, targets: .names(["map"])))
      let layer = adapter.layers(of: LoRALayer.self)[0].layer
      layer.a.value = Tensor([0.5, -1, 2], shape: [1, 3])
      layer.b.value = Tensor([1, -2], shape: [2, 1])
      let x = Parameter(Tensor([1, 2, -1], shape: [1, 3]))
      let y = model.map(x.tensor, ForwardContext())
      XCTAssertEqual(y.array, [-12, 36])
      y.backward(gradient: Tensor([1, -1], shape: [1, 2]))
      XCTAssertEqual(layer.a.gradient?.array, [12, 24, -12])
      XCTAssertEqual(layer.b.gradient?.array, [-14, 14])
      XCTAssertEqual(x.gradient?.array, [3, -15, 21])
      XCTAssertNil(model.map.weight.gradient)
      let report = try model.merge()
      let merged = model.map.weight.value
      XCTAssertEqual(
        (layout == .outputInput ? merged : merged.transposed).array, [3, -2, 11, 0, 13, -10])
      XCTAssertEqual(report.largestDifference, 0)
    }
  }

  func testGradientsAgainstDifferences() throws {
    var random = SeededRandom(3)
    let (rows, inputs, outputs, rank) = (3, 5, 4, 2)
    let weight = random.tensor([outputs, inputs])
    let scale = Double(LoRA(rank: rank, alpha: 3).scale(rank: rank, alpha: 3))
    checkOp(
      [
        random.tensor([rows, inputs]), random.tensor([rank, inputs]),
        random.tensor([outputs, rank]),
      ],
      length: inputs * rank
    ) { operands in
      operands[0].linear(
        weight: weight,
        branches: [LowRankBranch(a: operands[1], b: operands[2], scale: Float(scale))])
    } reference: { operands in
      let x = DoubleMatrix(operands[0], rows: rows, columns: inputs)
      let a = DoubleMatrix(operands[1], rows: rank, columns: inputs)
      let b = DoubleMatrix(operands[2], rows: outputs, columns: rank)
      let base = x * DoubleMatrix(weight).transposed
      let branch = x * a.transposed * b.transposed
      return zip(base.values, branch.values).map { $0 + scale * $1 }
    }
  }

  func testDropoutIsOnTheBranchAndOnlyInTraining() throws {
    var random = SeededRandom(4)
    let model = OneLayer(random.tensor([6, 200]))
    let adapter = try model.attach(
      LoRA(rank: 2, alpha: 2, dropout: 0.25, targets: .names(["map"])))
    let x = random.tensor([1, 200])
    let base = DoubleMatrix(x) * DoubleMatrix(model.map.weight.value).transposed
    let training = ForwardContext(dropout: DropoutKeys(seed: 8))
    // B is zero: whatever is dropped, the base sees all of x.
    expectClose(model.map(x, training).array, base.values, absolute: 1e-4)

    let layer = adapter.layers(of: LoRALayer.self)[0].layer
    layer.b.value = Tensor(repeating: 1, shape: layer.b.shape)
    layer.a.value = Tensor(repeating: 1, shape: layer.a.shape)
    let plain = model.map(x, ForwardContext())
    let sum = x.array.reduce(0) { $0 + Double($1) }
    expectClose(plain.array, base.values.map { $0 + 2 * sum }, absolute: 1e-4)
    XCTAssertEqual(model.map(x, ForwardContext()).bits, plain.bits)
    XCTAssertNotEqual(model.map(x, training).bits, plain.bits)

    // With x of ones, the branch counts what is kept, divided by the share that is.
    let ones = Tensor(repeating: 1, shape: [1, 200])
    let kept = (0..<200).map { _ in
      Double((model.map(ones, training) - model.map.project(ones)).array[0]) / 2 * 0.75
    }
    for count in kept { XCTAssertEqual(count, count.rounded(), accuracy: 1e-3) }
    let mean = kept.reduce(0, +) / 200
    // Five deviations of the mean of 200 binomial numbers.
    XCTAssertEqual(mean, 150, accuracy: 5 * (200 * 0.25 * 0.75 / 200).squareRoot())
    XCTAssertGreaterThan(Set(kept).count, 5)
    // The same seed drops the same.
    func first() -> Tensor { model.map(ones, ForwardContext(dropout: DropoutKeys(seed: 1))) }
    XCTAssertEqual(first().bits, first().bits)
  }

  func testHowTheMatricesStart() throws {
    func adapter(
      _ initialization: LoRA.Initialization, _ targets: [String] = ["map"]
    ) throws -> LoRALayer {
      let model = OneLayer(Tensor(zeros: [40, 400]))
      var method = LoRA(rank: 25, targets: .names(targets))
      (method.initialization, method.seed) = (initialization, 7)
      return try model.attach(method).layers(of: LoRALayer.self)[0].layer
    }
    func deviation(_ tensor: Tensor) -> Double {
      let sum = tensor.array.reduce(0) { $0 + Double($1) * Double($1) }
      return (sum / Double(tensor.count)).squareRoot()
    }
    let kaiming = try adapter(.kaiming)
    XCTAssertLessThanOrEqual(kaiming.a.value.largest, 1 / 20)
    XCTAssertGreaterThan(kaiming.a.value.largest, 0.99 / 20)
    // Uniform: a third of the squared bound; 10000 numbers give it to 2 percent.
    XCTAssertEqual(deviation(kaiming.a.value), 1 / 20 / 3.0.squareRoot(), accuracy: 0.02 / 20)
    XCTAssertEqual(kaiming.a.value.array.reduce(0, +) / 10_000, 0, accuracy: 0.0015)
    XCTAssertEqual(kaiming.b.value.largest, 0)
    let gaussian = try adapter(.gaussian)
    XCTAssertEqual(deviation(gaussian.a.value), 1 / 25, accuracy: 0.001)
    XCTAssertGreaterThan(gaussian.a.value.largest, 3 / 25)
    XCTAssertEqual(gaussian.b.value.largest, 0)
    let random = try adapter(.random)
    XCTAssertEqual(random.a.value.bits, kaiming.a.value.bits)
    XCTAssertEqual(deviation(random.b.value), 1 / 5 / 3.0.squareRoot(), accuracy: 0.01)
    XCTAssertLessThanOrEqual(random.b.value.largest, 1 / 5)
  }

  func testEmbeddingsStartOnTheOtherSide() throws {
    let model = try TestModels.make("llama")
    let adapter = try model.attach(LoRA(rank: 16, targets: .names(["embed_tokens"])))
    let layer = adapter.layers(of: LoRAEmbeddingLayer.self)[0].layer
    XCTAssertEqual(layer.a.value.largest, 0)
    let values = layer.b.value.array.map(Double.init)
    let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
    XCTAssertEqual(variance, 1, accuracy: 5 * (2 / Double(values.count)).squareRoot())
    var method = LoRA(rank: 16, targets: .names(["embed_tokens"]))
    method.initialization = .random
    let other = try TestModels.make("llama").attach(method).layers(of: LoRAEmbeddingLayer.self)[0]
      .layer
    XCTAssertGreaterThan(other.a.value.largest, 2)
  }

  func testTheStartDependsOnSeedAndPathAlone() throws {
    func starts(_ targets: [String], seed: UInt64) throws -> [String: [UInt32]] {
      var method = LoRA(rank: 2, targets: .names(targets))
      method.seed = seed
      let adapter = try TestModels.make("llama").attach(method)
      return Dictionary(
        uniqueKeysWithValues: adapter.layers(of: LoRALayer.self).map {
          ($0.site.path, $0.layer.a.value.bits)
        })
    }
    let one = try starts(["q_proj"], seed: 1)
    let more = try starts(["down_proj", "v_proj", "q_proj"], seed: 1)
    for (path, bits) in one { XCTAssertEqual(more[path], bits, path) }
    XCTAssertEqual(Set(more.values).count, more.count)
    let other = try starts(["q_proj"], seed: 2)
    for (path, bits) in one { XCTAssertNotEqual(other[path], bits, path) }
  }
}
