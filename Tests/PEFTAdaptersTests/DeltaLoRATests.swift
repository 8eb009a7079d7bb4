import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class DeltaLoRATests: XCTestCase {
  private func method(_ base: DeltaLoRA.Base, delay: Int = 3) -> DeltaLoRA {
    var method = DeltaLoRA(rank: 2, alpha: 4, ratio: 2, delay: delay)
    method.base = base
    return method
  }

  func testContract() throws {
    try checkAdapter(method(.moved), precisions: [.float32])
    // A gentler training, whose loss is no more curved than the coarse steps of rounded products allow.
    var gentle = method(.factored)
    (gentle.alpha, gentle.ratio) = (2, 0.5)
    try checkAdapter(gentle)
  }

  /// W is what the steps of the algorithm add up to, one by one, in double precision.
  func testTheMovementTelescopes() throws {
    for family in ["llama", "gpt2"] {
      for delay in [-1, 3] {
        let model = try TestModels.make(family)
        let adapter = try model.attach(method(.moved, delay: delay))
        let layers = adapter.layers(of: DeltaLoRALayer.self)
        let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-2)
        func products() -> [DoubleMatrix] {
          layers.map { DoubleMatrix($0.layer.b.value) * DoubleMatrix($0.layer.a.value) }
        }
        var sums = products().map { DoubleMatrix(rows: $0.rows, columns: $0.columns) }
        for step in 0..<10 {
          let before = products()
          model.loss(model.batch).backward()
          optimizer.step()
          if step <= delay { continue }
          for (index, after) in products().enumerated() {
            for place in after.values.indices {
              sums[index].values[place] +=
                2 * 2 * (after.values[place] - before[index].values[place])
            }
          }
        }
        for (index, (site, _)) in layers.enumerated() {
          let base = try XCTUnwrap(site.linear)
          let moved = try XCTUnwrap(adapter.copies.first { $0.base === base.weight }?.copy.value)
          let change = moved - base.weight.value
          let turned = base.layout == .outputInput ? change : change.transposed
          XCTAssertGreaterThan(sums[index].norm, 1e-3)
          expectClose(turned.array, sums[index].values, absolute: 1e-6, site.path)
        }
      }
    }
  }

  /// Moving from the first step on is LoRA with `alpha (1 + lambda)`.
  func testWithoutDelayItIsLoRAWithAnotherAlpha() throws {
    for base in DeltaLoRA.Base.allCases {
      let (model, other) = (try TestModels.make("llama"), try TestModels.make("llama"))
      try model.attach(method(base, delay: -1))
      try other.attach(LoRA(rank: 2, alpha: 12))
      for model in [model, other] { train(model, steps: 15) }
      XCTAssertTrue(model.sample.isClose(to: other.sample, within: 2e-4), "\(base)")
    }
  }

  func testBothBasesAgree() throws {
    let (model, other) = (try TestModels.make("gpt2"), try TestModels.make("gpt2"))
    try model.attach(method(.moved))
    try other.attach(method(.factored))
    for model in [model, other] { train(model, steps: 10) }
    XCTAssertTrue(model.sample.isClose(to: other.sample, within: 2e-4))
  }

  func testItIsExportedAsLoRAOfTwiceTheRank() throws {
    for steps in [2, 8] {
      let model = try TestModels.make("gpt2")
      let adapter = try model.attach(method(.moved))
      train(model, steps: steps)
      XCTAssertEqual(adapter.deltaMover?.hasMoved, steps == 8)
      try Files.withTemporaryFolder { folder in
        try adapter.deltaMover?.export(to: folder.path)
        let other = try TestModels.make("gpt2")
        let lora = try other.loadAdapter(folder.path)
        XCTAssertEqual((lora.method as? LoRA)?.rank, 4)
        XCTAssertTrue(other.sample.isClose(to: model.sample, within: 1e-5))
      }
    }
  }

  /// From a folder, or from tensors and state, before and after W began to move.
  func testATrainingContinuesToTheBit() throws {
    for (steps, base) in [(2, DeltaLoRA.Base.moved), (8, .moved), (8, .factored)] {
      let model = try TestModels.make("llama")
      let adapter = try model.attach(method(base))
      let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-2)
      train(model, optimizer, steps)
      let (other, third) = (try TestModels.make("llama"), try TestModels.make("llama"))
      let loaded = try Files.withTemporaryFolder { folder in
        try adapter.save(to: folder.path)
        return try other.loadAdapter(folder.path, isTrainable: true)
      }
      let copy = try third.attach(method(base))
      for (from, to) in zip(adapter.parameters, copy.parameters) { to.value = from.value.copied() }
      try copy.controller?.restore(try XCTUnwrap(adapter.controller?.state))
      let state = optimizer.state
      train(model, optimizer, 5)
      for (another, adapter) in [(other, loaded), (third, copy)] {
        let resumed = AdamW(another.parameters(.trainable), learningRate: 1e-2)
        try resumed.restore(state)
        train(another, resumed, 5)
        XCTAssertEqual(another.sample.bits, model.sample.bits)
        XCTAssertEqual(adapter.deltaMover?.step, steps + 5)
      }
    }
  }

  func testBasesThatCannotMove() throws {
    for precision in [Precision.nf4, .bfloat16] {
      let model = try TestModels.make("llama")
      model.freeze()
      model.store(as: precision)
      let error = expectAdapterError { try model.attach(method(.moved)) }
      XCTAssertEqual(error?.label, "notAdaptable model.layers.0.self_attn.q_proj")
      XCTAssertTrue(error?.description.contains("would be lost") ?? false)
      XCTAssertNoThrow(try model.attach(method(.factored)))
    }
    let model = try TestModels.make("llama")
    var head = method(.moved)
    head.selection.targets = .names(["lm_head"])
    XCTAssertEqual(
      expectAdapterError { try model.attach(head) }?.label, "notAdaptable lm_head")
    // Two adapters cannot move the same weight at once.
    try model.attach(method(.moved))
    try model.attach(method(.moved), name: "other")
    let error = expectAdapterError { try model.activate(["default", "other"]) }
    XCTAssertEqual(error?.label, "conflict")
    let wrong = expectAdapterError { try model.attach(DeltaLoRA(ratio: .nan), name: "third") }
    XCTAssertEqual(wrong?.label, "invalidSetting lambda")
    let state = expectAdapterError {
      try model.adapter("other").controller?.restore(["step": Tensor([1])])
    }
    XCTAssertEqual(state?.label, "invalidSetting state")
  }

  private func train(_ model: CausalLM, steps: Int) {
    train(model, AdamW(model.parameters(.trainable), learningRate: 1e-2), steps)
  }

  private func train(_ model: CausalLM, _ optimizer: AdamW, _ steps: Int) {
    for _ in 0..<steps {
      model.loss(model.batch).backward()
      optimizer.step()
    }
  }
}
