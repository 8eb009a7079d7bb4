import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class RoSATests: XCTestCase {
  func testContract() throws {
    var method = RoSA(rank: 2, alpha: 4, density: 0.04)
    (method.schedule, method.gradientSteps) = (.warmup(2), 2)
    try checkAdapter(method) { contract in
      // The loss bends more than a longer way would allow.
      contract.slopeStep = min(contract.slopeStep, 0.02)
    }
  }

  func testContractOfTheParts() throws {
    for schedule in [RoSA.Schedule.loraOnly, .sparseOnly] {
      var method = RoSA(rank: 2, density: 0.06)
      (method.schedule, method.accumulation) = (schedule, .mean)
      try checkAdapter(method, families: ["llama"], precisions: [.float32])
    }
  }

  /// Rank 2 with singular values 2 and 1.5, and 24 elements of +-1.
  private func teacher() throws -> (matrix: Tensor, sparse: Set<Int>) {
    let size = 48
    var values = try MatrixModel.teacher([2, 1.5], size: size, seed: 3).array
    var random = SeededRandom(5)
    var places: Set<Int> = []
    while places.count < 24 { places.insert(Int.random(in: 0..<size * size, using: &random)) }
    for (index, place) in places.sorted().enumerated() { values[place] += index % 2 == 0 ? 1 : -1 }
    return (Tensor(values, shape: [size, size]), places)
  }

  /// With 288 parameters, only both parts together reach a matrix of low rank plus a few large elements.
  func testRecoversLowRankPlusSparseWhereNeitherPartAloneCan() throws {
    let (matrix, sparse) = try teacher()
    func loss(_ method: RoSA) throws -> (Float, Adapter) {
      let model = MatrixModel([matrix])
      let adapter = try model.attach(method)
      XCTAssertEqual(adapter.parameterCount, 288)
      model.train(steps: 400, rate: 0.05)
      return (model.loss.item, adapter)
    }
    var both = RoSA(rank: 2, alpha: 2, density: 96.5 / 2304, targets: .names(["0"]))
    let (first, adapter) = try loss(both)
    XCTAssertLessThan(first, 1e-6)
    let places = try XCTUnwrap(adapter.sparseMasks.places["maps.0"])
    let chosen = Set(zip(places.rows, places.columns).map { Int($0) * 48 + Int($1) })
    XCTAssertEqual(chosen.count, 96)
    XCTAssert(sparse.isSubset(of: chosen))

    both.masks = adapter.sparseMasks
    XCTAssertLessThan(try loss(both).0, 1e-6, "after a restart with the mask")

    var alone = RoSA(rank: 3, alpha: 3, targets: both.targets)
    alone.schedule = .loraOnly
    XCTAssertGreaterThan(try loss(alone).0, 10)
    alone = RoSA(density: 288.5 / 2304, targets: both.targets)
    alone.schedule = .sparseOnly
    XCTAssertGreaterThan(try loss(alone).0, 1)
  }

  func testScheduleIsDrivenByTheOptimiser() throws {
    let model = try TestModels.make("llama")
    var method = RoSA(rank: 2, density: 0.05)
    (method.schedule, method.gradientSteps) = (.warmup(2), 3)
    let adapter = try model.attach(method)
    let controller = try XCTUnwrap(adapter.controller as? RoSAController)
    let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-2)
    var phases: [RoSAController.Phase] = []
    for _ in 0..<7 {
      phases.append(controller.phase)
      // Two backward passes a step.
      for _ in 0..<2 { model.loss(model.batch).backward(scale: 0.5) }
      optimizer.step()
    }
    XCTAssertEqual(
      phases, [.waiting, .waiting, .gathering, .gathering, .gathering, .chosen, .chosen])
    for (_, layer) in adapter.layers(of: RoSALayer.self) {
      let values = try XCTUnwrap(layer.values)
      XCTAssertEqual(layer.pattern?.count, values.count)
      XCTAssertTrue(values.value.array.contains { $0 != 0 })
    }
  }

  /// The places are those of the largest squared gradient of the weight itself.
  func testPlacesAreThoseOfTheLargestGradients() throws {
    let model = try TestModels.make("llama")
    model.freeze()
    var method = RoSA(density: 0.03)
    method.schedule = .sparseOnly
    let masks = try model.chooseMasks(
      SparseChoice(.squaredGradient, .layer, .share(0.03)), for: .attention, over: [model.batch]
    ) { model.loss($0) }
    let adapter = try model.attach(method)
    model.loss(model.batch).backward()
    AdamW(model.parameters(.trainable)).step()
    XCTAssertEqual(adapter.sparseMasks, masks)
  }

  func testResumesToTheBit() throws {
    var method = RoSA(rank: 2, density: 0.05)
    (method.schedule, method.gradientSteps) = (.warmup(2), 2)
    for stop in [1, 3, 5] {
      let (first, second) = (try TestModels.make("llama"), try TestModels.make("llama"))
      func optimizer(_ model: CausalLM) -> AdamW {
        AdamW(model.parameters(.trainable), learningRate: 1e-2)
      }
      func train(_ model: CausalLM, _ optimizer: AdamW, steps: Int) {
        for _ in 0..<steps {
          model.loss(model.batch).backward()
          optimizer.step()
        }
      }
      let adapter = try first.attach(method)
      let driver = optimizer(first)
      train(first, driver, steps: stop)
      let state = (try XCTUnwrap(adapter.controller).state, driver.state)
      try Files.withTemporaryFolder { folder in
        try adapter.save(to: folder.path)
        train(first, driver, steps: 3)
        let loaded = try second.loadAdapter(folder.path, isTrainable: true)
        try XCTUnwrap(loaded.controller).restore(state.0)
        let again = optimizer(second)
        try again.restore(state.1)
        train(second, again, steps: 3)
      }
      XCTAssertEqual(first.sample.bits, second.sample.bits, "stopped after \(stop)")
    }
  }

  func testStatesThatDoNotFit() throws {
    let model = try TestModels.make("llama")
    let adapter = try model.attach(RoSA(rank: 2, density: 0.05))
    let controller = try XCTUnwrap(adapter.controller)
    let path = adapter.modules[0].site.path
    let steps = Tensor(1)
    for state in [
      [:], ["steps": Tensor(0.5)], ["steps": steps, "other": steps],
      ["steps": steps, "sum.\(path)": Tensor(zeros: [2, 2])],
      ["steps": steps, "places.\(path)": Tensor(zeros: [2, 51])],
      ["steps": steps, "places.\(path)": Tensor([0, 0.5], shape: [2, 1])],
    ] { expectAdapterError { try controller.restore(state) } }
    XCTAssertEqual((controller as? RoSAController)?.steps, 0)
    try controller.restore(controller.state)
  }

  func testFolders() throws {
    let model = try TestModels.make("llama")
    let adapter = try model.attach(RoSA(rank: 2, density: 0.05))
    try Files.withTemporaryFolder { root in
      // Before the places are chosen there are none in the file.
      try adapter.save(to: root.path + "/early")
      let early = try TestModels.make("llama").loadAdapter(root.path + "/early")
      XCTAssertEqual(early.sparseMasks.count, 0)
      XCTAssertEqual((early.method as? RoSA)?.masks, nil)

      model.loss(model.batch).backward()
      AdamW(model.parameters(.trainable)).step()
      adapter.randomize()
      try adapter.saveTwice(in: root)
      let other = try TestModels.make("llama")
      let loaded = try other.loadAdapter(root.path + "/a")
      XCTAssertEqual(loaded.sparseMasks, adapter.sparseMasks)
      XCTAssertEqual(other.sample.bits, model.sample.bits)
      XCTAssertEqual((loaded.controller as? RoSAController)?.phase, .chosen)
    }
  }

  func testSettingsThatMakeNoSense() throws {
    let model = try TestModels.make("llama")
    func label(_ change: (inout RoSA) -> Void) -> String? {
      var method = RoSA()
      change(&method)
      return expectAdapterError { try model.attach(method) }?.label
    }
    XCTAssertEqual(label { $0.rank = -1 }, "invalidSetting r")
    XCTAssertEqual(label { $0.alpha = .nan }, "invalidSetting lora_alpha")
    XCTAssertEqual(label { $0.dropout = 1 }, "invalidSetting lora_dropout")
    XCTAssertEqual(label { $0.density = 1.1 }, "invalidSetting d")
    XCTAssertEqual(label { $0.density = .nan }, "invalidSetting d")
    XCTAssertEqual(label { $0.gradientSteps = 0 }, "invalidSetting spa_num_grads")
    XCTAssertEqual(label { $0.schedule = .warmup(-1) }, "invalidSetting schedule")
    XCTAssertEqual(label { ($0.rank, $0.density) = (0, 0) }, "invalidSetting schedule")
    XCTAssertEqual(
      label { ($0.schedule, $0.density) = (.sparseOnly, 0.0001) },
      "notAdaptable model.layers.0.self_attn.q_proj")
    XCTAssertEqual(RoSA.Schedule(name: "df"), .warmup(0))
    XCTAssertEqual(RoSA.Schedule(name: "wl64")?.name, "wl64")
    XCTAssertNil(RoSA.Schedule(name: "wl-1"))
    XCTAssertNil(RoSA.Schedule(name: "cosine"))
  }
}
