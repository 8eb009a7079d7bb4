import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class DyLoRATests: XCTestCase {
  func testContract() throws {
    try checkAdapter(DyLoRA(rank: 3, alpha: 6))
    var frozen = DyLoRA(rank: 3, alpha: 6)
    (frozen.update, frozen.scaling) = (.frozen, .fixed)
    frozen.selection.bias = .all
    frozen.distribution = .geometric(0.4)
    try checkAdapter(frozen, families: ["gpt2"], precisions: [.float32])
  }

  func testRanksAreDrawnAsTheDistributionSays() {
    var method = DyLoRA(rank: 4)
    method.selection.seed = 3
    func shares() -> [Double] {
      var counts = [0.0, 0, 0, 0]
      for step in 0..<8000 { counts[method.rank(ofStep: step) - 1] += 1 / 8000 }
      return counts
    }
    for share in shares() { XCTAssertEqual(share, 0.25, accuracy: 0.02) }
    method.distribution = .geometric(0.5)
    for (share, expected) in zip(shares(), [8.0, 4, 2, 1]) {
      XCTAssertEqual(share, expected / 15, accuracy: 0.02)
    }
    let first = (0..<20).map(method.rank)
    method.selection.seed = 4
    XCTAssertNotEqual(first, (0..<20).map(method.rank))
  }

  /// Components that a step does not train keep their bits, and the optimiser's moments of them as well.
  func testWhatAStepDoesNotTrainStays() throws {
    for update in DyLoRA.Update.allCases {
      let model = try TestModels.make("llama")
      var method = DyLoRA(rank: 4, alpha: 4)
      method.update = update
      let adapter = try model.attach(method)
      let ranks = try XCTUnwrap(adapter.nestedRanks)
      let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-2, weightDecay: 0.1)
      var seen: Set<Int> = []
      for _ in 0..<12 {
        let rank = ranks.drawn
        seen.insert(rank)
        let trained = update == .all ? 0..<rank : rank - 1..<rank
        let before = adapter.layers(of: DyLoRALayer.self).map {
          ($0.layer, $0.layer.a.map(\.value.bits), $0.layer.b.map(\.value.bits))
        }
        let moments = optimizer.state
        model.loss(model.batch).backward()
        optimizer.step()
        for (layer, a, b) in before {
          for index in 0..<4 {
            XCTAssertEqual(layer.b[index].value.bits != b[index], trained.contains(index))
            if !trained.contains(index) { XCTAssertEqual(layer.a[index].value.bits, a[index]) }
          }
        }
        for (name, tensor) in optimizer.state
        where !trained.contains(where: { name.contains(".\($0).weight") }) {
          XCTAssertEqual(tensor.bits, moments[name]?.bits, name)
        }
      }
      XCTAssertGreaterThan(seen.count, 2)
      XCTAssertEqual(ranks.step, 12)
    }
  }

  func testEveryRankIsALoRAThatIsExported() throws {
    for scaling in DyLoRA.Scaling.allCases {
      let model = try TestModels.make("gpt2")
      var method = DyLoRA(rank: 3, alpha: 5)
      method.scaling = scaling
      let adapter = try model.attach(method)
      adapter.randomize()
      let ranks = try XCTUnwrap(adapter.nestedRanks)
      let whole = model.sample
      let outputs = try ranks.evaluate { _ in model.sample }
      XCTAssertEqual(outputs.map(\.rank), [1, 2, 3])
      XCTAssertEqual(outputs[2].result.bits, whole.bits)
      XCTAssertEqual(ranks.rank, 3)
      for (rank, output) in outputs {
        try Files.withTemporaryFolder { folder in
          try ranks.export(rank: rank, to: folder.path)
          let other = try TestModels.make("gpt2")
          let lora = try other.loadAdapter(folder.path)
          XCTAssertEqual((lora.method as? LoRA)?.rank, rank)
          XCTAssertTrue(other.sample.isClose(to: output, within: 1e-6))
        }
      }
      // A merge is of the chosen rank, which cannot change under it.
      try ranks.select(2)
      try model.merge()
      XCTAssertTrue(model.sample.isClose(to: outputs[1].result, within: 2e-5))
      XCTAssertEqual(expectAdapterError { try ranks.select(1) }?.label, "wrongState")
      try model.unmerge()
      XCTAssertEqual(expectAdapterError { try ranks.select(4) }?.label, "invalidSetting rank")
    }
  }

  /// With a fixed scale every rank is the best matrix of that rank (Eckart and Young); LoRA that is cut off is not.
  func testEveryRankReachesItsFloor() throws {
    let values: [Float] = [2, 1.4, 0.98, 0.686]
    let teacher = try MatrixModel.teacher(values, size: 8, seed: 5)
    let floors = (1...4).map { rank in values.dropFirst(rank).reduce(0) { $0 + $1 * $1 } }
    for update in DyLoRA.Update.allCases {
      var method = DyLoRA(rank: 4, alpha: 4, targets: .names(["maps.0"]))
      (method.scaling, method.update) = (.fixed, update)
      let model = MatrixModel([teacher])
      let adapter = try model.attach(method)
      model.train(steps: 1500, rate: 0.03)
      let losses = try adapter.nestedRanks?.evaluate { _ in model.loss.item } ?? []
      for ((rank, loss), floor) in zip(losses, floors) {
        XCTAssertEqual(loss, floor, accuracy: 2e-2, "\(update) rank \(rank)")
      }
    }
    let model = MatrixModel([teacher])
    let adapter = try model.attach(LoRA(rank: 4, alpha: 4, targets: .names(["maps.0"])))
    model.train(steps: 600, rate: 0.03)
    XCTAssertLessThan(model.loss.item, 1e-3)
    let layer = try XCTUnwrap(adapter.layers(of: LoRALayer.self).first?.layer)
    let cut = layer.b.value.columns(0..<1).contiguous.matrixProduct(
      layer.a.value.prefixAxis(0..<1))
    XCTAssertGreaterThan(Float((teacher - cut).sumOfSquares), floors[0] + 0.5)
  }

  func testATrainingContinuesToTheBit() throws {
    func make() throws -> (CausalLM, Adapter, AdamW) {
      let model = try TestModels.make("gpt2")
      let adapter = try model.attach(DyLoRA(rank: 3))
      return (model, adapter, AdamW(model.parameters(.trainable), learningRate: 1e-2))
    }
    func train(_ model: CausalLM, _ optimizer: AdamW, _ steps: Int) {
      for _ in 0..<steps {
        model.loss(model.batch).backward()
        optimizer.step()
      }
    }
    let (model, adapter, optimizer) = try make()
    train(model, optimizer, 4)
    let (other, copy, resumed) = try make()
    for (from, to) in zip(adapter.parameters, copy.parameters) { to.value = from.value.copied() }
    try resumed.restore(optimizer.state)
    try copy.controller?.restore(try XCTUnwrap(adapter.controller?.state))
    train(model, optimizer, 6)
    train(other, resumed, 6)
    XCTAssertEqual(copy.parameters.map(\.value.bits), adapter.parameters.map(\.value.bits))
    let error = expectAdapterError { try copy.controller?.restore(["steps": Tensor([1, 9])]) }
    XCTAssertEqual(error?.label, "invalidSetting state")
  }

  func testSettingsThatMakeNoSense() throws {
    let model = try TestModels.make("gpt2")
    let wrong: [(String, (inout DyLoRA) -> Void)] = [
      ("rank", { $0.rank = 0 }), ("alpha", { $0.alpha = .infinity }),
      ("dropout", { $0.dropout = -1 }), ("distribution", { $0.distribution = .geometric(1) }),
    ]
    for (setting, change) in wrong {
      var method = DyLoRA()
      change(&method)
      let error = expectAdapterError(setting) { try model.attach(method) }
      XCTAssertEqual(error?.label, "invalidSetting \(setting)")
    }
  }
}
