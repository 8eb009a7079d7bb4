import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class RandomSubspaceTests: XCTestCase {
  func testContract() throws {
    var method = RandomSubspace(rank: 3, interval: 8)
    method.seed = 2
    try checkAdapter(method) {
      // What was taken out of the weight comes back by another sum, and in float32 on every storage.
      $0.identityTolerance = $0.mergeTolerance == 2e-2 ? 5e-2 : 1e-5
    }
  }

  func testContractOfTheOtherStarts() throws {
    for factorization in [RandomSubspace.Factorization.svdAdd, .randomAdd] {
      var method = RandomSubspace(rank: 3)
      method.factorization = factorization
      try checkAdapter(method, families: ["gpt2"], precisions: [.float32]) {
        $0.identityTolerance = factorization == .svdAdd ? nil : 0
      }
    }
  }

  /// Every drawing leaves the function alone, changes the parts, and is another window each time.
  func testDrawingKeepsTheFunction() throws {
    for family in ["gpt2", "llama"] {
      let model = try TestModels.make(family)
      let adapter = try model.attach(RandomSubspace(rank: 4))
      adapter.randomize()
      let output = model.sample
      let controller = try XCTUnwrap(adapter.controller as? RandomSubspaceController)
      var windows: Set<[UInt32]> = []
      for _ in 0..<4 {
        try controller.resample()
        XCTAssert(model.sample.isClose(to: output, within: 1e-4), family)
        windows.insert(adapter.parameters[0].value.bits)
      }
      XCTAssertEqual(controller.draws, 4)
      XCTAssertGreaterThan(windows.count, 2)
    }
  }

  func testPartsAreSingularDirectionsOfTheWeight() throws {
    let model = try TestModels.make("llama")
    let adapter = try model.attach(RandomSubspace(rank: 3))
    for (site, layer) in adapter.layers(of: RandomSubspaceLayer.self) {
      let weight = try XCTUnwrap(site.linear?.weight.value)
      let (a, b) = (DoubleMatrix(layer.a.value), DoubleMatrix(layer.b.value))
      // W A^T = B, and A has orthonormal rows.
      let product = DoubleMatrix(weight) * a.transposed
      expectClose(layer.b.value.array, product.values, absolute: 1e-5, site.path)
      expectClose(
        (a * a.transposed).values.map(Float.init), DoubleMatrix.identity(3).values, absolute: 1e-5)
      let sum = (b * a).values
      expectClose(
        zip(layer.rest.value.array, sum).map { Float(Double($0) + $1) },
        weight.array.map(Double.init), absolute: 1e-5)
    }
  }

  /// With rank 2 at a time, changes of higher rank are reached than LoRA of rank 2 can.
  func testReachesBelowTheFloorOfItsRank() throws {
    let size = 12
    let change = try MatrixModel.teacher([2, 1.8, 1.6, 1.4, 1.2, 1], size: size, seed: 4)
    let floor = [1.6, 1.4, 1.2, 1].reduce(0) { $0 + $1 * $1 } as Float
    var random = SeededRandom(2)
    let base = random.tensor([size, size])
    func loss(_ interval: Int?) throws -> Float {
      let model = MatrixModel([withoutGradients { base + change }])
      model.maps[0].weight.value = base
      try model.attach(RandomSubspace(rank: 2, interval: interval, targets: .names(["0"])))
      model.train(steps: 400, rate: 0.05)
      return model.loss.item
    }
    XCTAssertGreaterThan(try loss(nil), 0.99 * floor)
    XCTAssertLessThan(try loss(50), 0.5 * floor)
  }

  func testResumesToTheBit() throws {
    // The second step is one after which subspaces are drawn.
    for stop in [2, 3] { try checkResuming(after: stop) }
  }

  private func checkResuming(after stop: Int) throws {
    let method = RandomSubspace(rank: 3, interval: 2)
    let (first, second) = (try TestModels.make("llama"), try TestModels.make("llama"))
    func train(_ model: CausalLM, _ optimizer: AdamW, steps: Int) {
      for _ in 0..<steps {
        model.loss(model.batch).backward()
        optimizer.step()
      }
    }
    let adapter = try first.attach(method)
    let driver = AdamW(first.parameters(.trainable), learningRate: 1e-2)
    train(first, driver, steps: stop)
    let (state, moments) = (try XCTUnwrap(adapter.controller).state, driver.state)
    try Files.withTemporaryFolder { root in
      try adapter.saveTwice(in: root)
      train(first, driver, steps: 4)
      let loaded = try second.loadAdapter(root.path + "/a", isTrainable: true)
      let controller = try XCTUnwrap(loaded.controller)
      try controller.restore(state)
      expectAdapterError { try controller.restore(["steps": Tensor(1)]) }
      expectAdapterError { try controller.restore(state.merging(["x": Tensor(1)]) { $1 }) }
      let again = AdamW(second.parameters(.trainable), learningRate: 1e-2)
      try again.restore(moments)
      train(second, again, steps: 4)
      XCTAssertEqual(controller.state["draws"]?.item, 3, "after \(stop)")
    }
    XCTAssertEqual(first.sample.bits, second.sample.bits)
  }

  func testOptimisersBeginAnewAfterADrawing() throws {
    for isNarrow in [false, true] {
      let model = try TestModels.make("llama")
      let adapter = try model.attach(RandomSubspace(rank: 2))
      let parameters = model.parameters(.trainable)
      let optimizer: any Optimizer =
        isNarrow
        ? AdamW8bit(parameters, learningRate: 1e-2) : AdamW(parameters, learningRate: 1e-2)
      func steps() -> [Float?] {
        optimizer.state.filter { $0.key.hasPrefix("step.") }.map(\.value.item)
      }
      func step() {
        model.loss(model.batch).backward()
        optimizer.step()
      }
      step()
      step()
      XCTAssertEqual(steps(), parameters.map { _ in 2 })
      try XCTUnwrap(adapter.controller as? RandomSubspaceController).resample()
      XCTAssertEqual(steps(), [], "what is left of before is not saved")
      step()
      XCTAssertEqual(steps(), parameters.map { _ in 1 })
    }
  }

  func testSettingsThatMakeNoSense() throws {
    let model = try TestModels.make("llama")
    func label(_ change: (inout RandomSubspace) -> Void) -> String? {
      var method = RandomSubspace(rank: 2)
      change(&method)
      return expectAdapterError { try model.attach(method) }?.label
    }
    XCTAssertEqual(label { $0.rank = 0 }, "invalidSetting r")
    XCTAssertEqual(label { $0.interval = 0 }, "invalidSetting interval")
    XCTAssertEqual(label { $0.rank = 33 }, "notAdaptable model.layers.0.self_attn.q_proj")
    XCTAssertEqual(
      label { $0.targets = .names(["embed_tokens"]) }, "notAdaptable model.embed_tokens")
  }
}
