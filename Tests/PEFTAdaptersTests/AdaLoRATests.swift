import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class AdaLoRATests: XCTestCase {
  private func method(_ change: (inout AdaLoRA) -> Void = { _ in }) -> AdaLoRA {
    var method = AdaLoRA(initialRank: 4, targetRank: 2, totalSteps: 12)
    (method.initialSteps, method.finalSteps) = (2, 3)
    change(&method)
    return method
  }

  func testContract() throws {
    var early = AdaLoRA(initialRank: 4, targetRank: 2, alpha: 8, totalSteps: 1000)
    early.initialSteps = 500
    try checkAdapter(early)
    early.orthogonality = .sumOfSquares
    early.selection.bias = .all
    try checkAdapter(early, families: ["gpt2"], precisions: [.float32])
    early.initialization = .random
    try checkAdapter(early, families: ["llama"], precisions: [.float32]) {
      $0.identityTolerance = nil
    }
  }

  func testScheduleOfThePaper() {
    let schedule = BudgetSchedule(
      initial: 48, target: 32, totalSteps: 100, initialSteps: 10, finalSteps: 20, interval: 5)
    let expected: [Int: (Int, Bool)] = [
      10: (48, false), 11: (47, false), 12: (46, false), 15: (44, true), 20: (42, true),
      30: (37, true), 45: (34, true), 60: (32, true), 79: (32, false), 80: (32, true),
      81: (32, true),
    ]
    for (step, (budget, allocates)) in expected {
      XCTAssertEqual(schedule(step).budget, budget, "step \(step)")
      XCTAssertEqual(schedule(step).allocates, allocates, "step \(step)")
    }
  }

  func testImportanceOfOneStep() {
    let (sensitivity, uncertainty) = (Tensor(zeros: [3]), Tensor(zeros: [3]))
    func update(_ gradient: [Float]) {
      ImportanceKernels.update(
        sensitivity: sensitivity, uncertainty: uncertainty, value: Tensor([2, 1.9, 1.95]),
        gradient: Tensor(gradient), gradientScale: 0.5, decays: (0.85, 0.85))
    }
    // The scale of clipping belongs to the gradient.
    update([1, -2, 0.5])
    expectClose(sensitivity.array, [0.15, 0.285, 0.073125], relative: 1e-6)
    expectClose(uncertainty.array, [0.1275, 0.24225, 0.06215625], relative: 1e-6)
    let before = sensitivity.array
    update([.nan, .infinity, 0])
    XCTAssertEqual(sensitivity.array.prefix(2), before.prefix(2))
    expectClose([sensitivity.array[2]], [0.85 * 0.073125], relative: 1e-6)
  }

  func testScoreOfTriplets() {
    let scores = RankAllocator.scores(
      lambda: Tensor([1, 2], shape: [2, 1]),
      rows: Tensor([0.6, 0, 0.3, 0.3, 0.3, 0.3], shape: [2, 3]),
      columns: Tensor([0.2, 0.4, 0.1, 0.3], shape: [2, 2]))
    expectClose(scores, [1.45, 2.65], relative: 1e-6)
  }

  func testPenaltyByBothFormulas() throws {
    for orthogonality in [AdaLoRA.Orthogonality.meanNorm, .sumOfSquares] {
      let model = try TestModels.make("llama")
      let adapter = try model.attach(method { $0.orthogonality = orthogonality })
      adapter.randomize()
      var (norms, squares) = (0.0, 0.0)
      for (_, layer) in adapter.layers(of: AdaLoRALayer.self) {
        for rows in [DoubleMatrix(layer.a.value), DoubleMatrix(layer.b.value).transposed] {
          var gram = rows * rows.transposed
          for index in 0..<gram.rows { gram[index, index] -= 1 }
          (norms, squares) = (norms + gram.norm, squares + gram.norm * gram.norm)
        }
      }
      let expected = 0.5 * (orthogonality == .meanNorm ? norms / 8 : squares)
      expectClose([try XCTUnwrap(adapter.penalty).item], [expected], relative: 1e-5)
    }
  }

  func testRanksFollowTheBudget() throws {
    for importance in [AdaLoRA.Importance.afterStep, .beforeStep] {
      let model = try TestModels.make("llama")
      let adapter = try model.attach(method { $0.importance = importance })
      let allocator = try XCTUnwrap(adapter.rankAllocator)
      XCTAssertEqual(allocator.ranks, [4, 4, 4, 4])
      let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-2)
      for step in 0..<12 {
        XCTAssertEqual(allocator.step, step)
        model.loss(model.batch).backward()
        optimizer.step()
        if step >= 3 {
          XCTAssertEqual(allocator.ranks.reduce(0, +), allocator.schedule(step).budget)
          let values = adapter.layers(of: AdaLoRALayer.self).flatMap { $0.layer.e.value.array }
          XCTAssertEqual(values.filter { $0 != 0 }.count, allocator.schedule(step).budget)
        }
      }
      XCTAssertEqual(allocator.history.map(\.budget), [13, 10, 9, 8])
      XCTAssertEqual(allocator.history.last?.ranks.reduce(0, +), 8)
      // Steps without gradients are none.
      optimizer.step()
      XCTAssertEqual(allocator.step, 12)
    }
  }

  func testATargetOfTheWholeRankPrunesNothing() throws {
    let model = try TestModels.make("gpt2")
    let adapter = try model.attach(method { $0.targetRank = 4 })
    train(model, steps: 12)
    XCTAssertEqual(adapter.rankAllocator?.ranks, [4, 4])
  }

  func testPrunedTripletsAreCutFromTheFile() throws {
    let model = try TestModels.make("llama")
    // The budget leaves two triplets to four layers, so that some have none.
    let adapter = try model.attach(
      method {
        $0.targetRank = 0
        ($0.finalSteps, $0.totalSteps) = (1, 9)
      })
    train(model, steps: 6)
    let ranks = try XCTUnwrap(adapter.rankAllocator?.ranks)
    XCTAssertTrue(ranks.contains(0) && ranks.contains { $0 > 0 }, "\(ranks)")
    try Files.withTemporaryFolder { folder in
      try adapter.save(to: folder.path)
      let file = try SafetensorsFile(path: folder.path + "/adapter_model.safetensors")
      for (path, rank) in zip(adapter.rankAllocator?.paths ?? [], ranks) {
        XCTAssertEqual(file["base_model.model.\(path).lora_E"]?.shape, [rank, 1])
      }
      let other = try TestModels.make("llama")
      let loaded = try other.loadAdapter(folder.path, isTrainable: true)
      XCTAssertEqual(loaded.rankAllocator?.ranks, ranks)
      XCTAssertTrue(other.sample.isClose(to: model.sample, within: 1e-6))
      // Trained on, it is pruned further, and the pattern still counts the triplets of the start.
      train(other, steps: 8)
      let again = folder.path + "/again"
      try loaded.save(to: again)
      let third = try TestModels.make("llama")
      let last = try third.loadAdapter(again)
      XCTAssertEqual(last.rankAllocator?.ranks, loaded.rankAllocator?.ranks)
      XCTAssertTrue(third.sample.isClose(to: other.sample, within: 1e-6))
    }
  }

  func testATrainingContinuesToTheBit() throws {
    func make() throws -> (CausalLM, Adapter, AdamW) {
      let model = try TestModels.make("gpt2")
      let adapter = try model.attach(method())
      return (model, adapter, AdamW(model.parameters(.trainable), learningRate: 1e-2))
    }
    func train(_ model: CausalLM, _ optimizer: AdamW, _ steps: Int) {
      for _ in 0..<steps {
        model.loss(model.batch).backward()
        optimizer.step()
      }
    }
    let (model, adapter, optimizer) = try make()
    for steps in [0, 6, 5] {
      train(model, optimizer, steps)
      let (other, copy, resumed) = try make()
      for (from, to) in zip(adapter.parameters, copy.parameters) { to.value = from.value.copied() }
      try resumed.restore(optimizer.state)
      try copy.controller?.restore(try XCTUnwrap(adapter.controller?.state))
      train(other, resumed, 12 - steps)
      let (third, whole, all) = try make()
      train(third, all, (adapter.rankAllocator?.step ?? 0) + 12 - steps)
      XCTAssertEqual(copy.parameters.map(\.value.bits), whole.parameters.map(\.value.bits))
      XCTAssertEqual(copy.rankAllocator?.history, whole.rankAllocator?.history)
    }
    let error = expectAdapterError { try adapter.controller?.restore(["step": Tensor([1, 2])]) }
    XCTAssertEqual(error?.label, "invalidSetting state")
  }

  /// Teachers of rank 8, 4, 3 and 1 share a budget of 16: the allocation finds their ranks.
  func testTheRanksOfTeachersAreFound() throws {
    let ranks = [8, 4, 3, 1]
    let model = try MatrixModel(
      ranks.enumerated().map { index, rank in
        try MatrixModel.teacher(
          Array(repeating: 1, count: rank), size: 16, seed: UInt64(index) + 1)
      })
    var method = AdaLoRA(
      initialRank: 8, targetRank: 4, alpha: 8, totalSteps: 500,
      targets: .names((0..<4).map { "maps.\($0)" }))
    (method.initialSteps, method.finalSteps, method.interval) = (60, 150, 10)
    method.orthogonalityWeight = 0.1
    let adapter = try model.attach(method)
    model.train(steps: 500, rate: 0.03)
    let found = try XCTUnwrap(adapter.rankAllocator?.ranks)
    XCTAssertEqual(found.reduce(0, +), 16)
    for (rank, expected) in zip(found, ranks) {
      XCTAssertLessThanOrEqual(abs(rank - expected), 1, "\(found)")
    }
    // Four ranks for each would leave four singular values of the first teacher out.
    XCTAssertLessThan(model.losses.reduce(0) { $0 + $1.item }, 2.5)
  }

  func testSettingsThatMakeNoSense() throws {
    let model = try TestModels.make("gpt2")
    let wrong: [(String, (inout AdaLoRA) -> Void)] = [
      ("init_r", { $0.initialRank = 0 }), ("target_r", { $0.targetRank = 5 }),
      ("target_r", { $0.targetRank = -1 }), ("lora_alpha", { $0.alpha = .nan }),
      ("lora_dropout", { $0.dropout = 1 }), ("total_step", { $0.totalSteps = 5 }),
      ("tinit", { $0.initialSteps = -1 }), ("deltaT", { $0.interval = 0 }),
      ("beta1", { $0.sensitivityDecay = 1 }), ("beta2", { $0.uncertaintyDecay = .nan }),
      ("orth_reg_weight", { $0.orthogonalityWeight = -1 }),
      ("rank_pattern", { $0.keptTriplets["transformer.h.0.attn.c_attn"] = [true] }),
    ]
    for (setting, change) in wrong {
      let error = expectAdapterError(setting) { try model.attach(method(change)) }
      XCTAssertEqual(error?.label, "invalidSetting \(setting)")
    }
    let pattern = [true, true, true, false]
    let dead = expectAdapterError {
      try model.attach(method { $0.keptTriplets["nowhere"] = pattern })
    }
    XCTAssertEqual(dead?.label, "deadPatterns rank_pattern")
    let table = expectAdapterError {
      try model.attach(method { $0.selection.targets = .names(["wte"]) })
    }
    XCTAssertEqual(table?.label, "notAdaptable transformer.wte")
  }

  private func train(_ model: CausalLM, steps: Int) {
    let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-2)
    for _ in 0..<steps {
      model.loss(model.batch).backward()
      optimizer.step()
    }
  }
}
