import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class RankedTrainingTests: XCTestCase {
  /// What one rank has after a training.
  private struct Outcome: Sendable {
    let values: [[Float]]
    let losses: [Double]
    let norms: [Double]
    let evaluations: [Double]
    let randomState: UInt64
    let state: [String: [Float]]
  }

  private static func data(batchSize: Int = 6) -> TokenBatches {
    let (ids, labels) = TinyModel.rows(20, seed: 1)
    return TokenBatches(
      zip(ids, labels).map { TrainingExample(ids: $0, labels: $1) }, batchSize: batchSize,
      order: .shuffled(seed: 4))
  }

  private static func trainer(
    _ model: CausalLM, steps: Int, accumulation: Int = 1, _ communicator: any Communicator
  ) -> Trainer<CausalLM> {
    let trainer = Trainer(
      model, optimizer: SGD(model.parameters(.trainable), learningRate: 0.05, momentum: 0.9),
      schedule: .cosine(warmup: 2),
      settings: TrainerSettings(
        duration: .steps(steps), accumulation: accumulation, maximumGradientNorm: 0.5,
        evaluationInterval: 4))
    trainer.communicator = communicator
    return trainer
  }

  private static func train(
    _ communicator: any Communicator, steps: Int = 9, accumulation: Int = 1, dropout: Double = 0,
    batchSize: Int = 6, prepare: (CausalLM) throws -> Void = { _ in }
  ) throws -> Outcome {
    let model = try TinyModel.make(dropout: dropout)
    try prepare(model)
    let trainer = trainer(model, steps: steps, accumulation: accumulation, communicator)
    return try outcome(trainer, batchSize: batchSize)
  }

  private static func outcome(
    _ trainer: Trainer<CausalLM>, batchSize: Int = 6, until last: Int = .max
  ) throws -> Outcome {
    var (losses, norms, evaluations) = ([Double](), [Double](), [Double]())
    try trainer.run(data(batchSize: batchSize), evaluationData: data()) { event in
      switch event {
      case .step(let step):
        losses.append(step.loss)
        norms.append(step.gradientNorm)
        return step.progress.step < last
      case .evaluation(let evaluation): evaluations.append(evaluation.loss)
      case .change, .anomaly, .finished: break
      }
      return true
    }
    return Outcome(
      values: trainer.model.parameters(.trainable).map(\.parameter.value.array), losses: losses,
      norms: norms, evaluations: evaluations, randomState: trainer.model.randomState,
      state: trainer.state.optimizer.mapValues(\.array))
  }

  /// The same but for the rounding of sums in another order.
  private func expectClose(
    _ found: Outcome, _ expected: Outcome, file: StaticString = #filePath, line: UInt = #line
  ) {
    for (one, other) in zip(found.values, expected.values) {
      let size = other.map { $0 * $0 }.reduce(0, +).squareRoot()
      let distance = zip(one, other).map { ($0 - $1) * ($0 - $1) }.reduce(0, +).squareRoot()
      XCTAssertLessThanOrEqual(distance, 1e-5 * size, file: file, line: line)
    }
    for (one, other) in zip(
      found.losses + found.norms + found.evaluations,
      expected.losses + expected.norms + expected.evaluations)
    {
      XCTAssertEqual(one, other, accuracy: 1e-5 * abs(other), file: file, line: line)
    }
    XCTAssertEqual(found.losses.count, expected.losses.count, file: file, line: line)
    XCTAssertEqual(found.evaluations.count, expected.evaluations.count, file: file, line: line)
  }

  private func expectSame(
    _ ranks: [Outcome], file: StaticString = #filePath, line: UInt = #line
  ) {
    for rank in ranks.dropFirst() {
      XCTAssertEqual(rank.values, ranks[0].values, file: file, line: line)
      XCTAssertEqual(rank.state, ranks[0].state, file: file, line: line)
      XCTAssertEqual(rank.losses, ranks[0].losses, file: file, line: line)
      XCTAssertEqual(rank.norms, ranks[0].norms, file: file, line: line)
      XCTAssertEqual(rank.evaluations, ranks[0].evaluations, file: file, line: line)
      XCTAssertEqual(rank.randomState, ranks[0].randomState, file: file, line: line)
    }
  }

  func testRanksTrainAsOneProcessWithAllRows() throws {
    let alone = try Self.train(SingleProcess())
    for count in [1, 2, 3] {
      let ranks = try Ranks.run(count) { try Self.train($0) }
      expectSame(ranks)
      expectClose(ranks[0], alone)
    }
  }

  func testSeveralBatchesAStepAndRanksWithoutARow() throws {
    let alone = try Self.train(SingleProcess(), steps: 5, accumulation: 2, batchSize: 3)
    let ranks = try Ranks.run(4) {
      try Self.train($0, steps: 5, accumulation: 2, batchSize: 3)
    }
    expectSame(ranks)
    expectClose(ranks[0], alone)
  }

  func testCheckpointedActivations() throws {
    let alone = try Self.train(SingleProcess(), steps: 4)
    let ranks = try Ranks.run(2) { rank in
      try Self.train(rank, steps: 4) { $0.decoder.checkpointsActivations = true }
    }
    expectSame(ranks)
    expectClose(ranks[0], alone)
  }

  func testMethodsStayInStep() throws {
    let methods: [@Sendable (CausalLM) throws -> Void] = [
      { try $0.attach(LoRA(rank: 4, alpha: 8, targets: .allLinear)) },
      { try $0.attach(DyLoRA(rank: 4, targets: .attention)) },
      { try $0.attach(AdaLoRA(initialRank: 3, targetRank: 2, totalSteps: 6, targets: .attention)) },
    ]
    for attach in methods {
      let attached: @Sendable (CausalLM) throws -> Void = { model in
        model.freeze()
        try attach(model)
      }
      let alone = try Self.train(SingleProcess(), steps: 6, prepare: attached)
      let ranks = try Ranks.run(2) { try Self.train($0, steps: 6, prepare: attached) }
      expectSame(ranks)
      expectClose(ranks[0], alone)
    }
  }

  func testDropoutIsDrawnAtOnePaceAndForEachRankAnew() throws {
    let ranks = try Ranks.run(3) { try Self.train($0, dropout: 0.2, batchSize: 2) }
    expectSame(ranks)
    let one = try Ranks.run(1) { try Self.train($0, dropout: 0.2, batchSize: 2) }
    XCTAssertEqual(one[0].randomState, ranks[0].randomState)
    XCTAssertNotEqual(one[0].losses, ranks[0].losses)
    var keys: Set<UInt64> = []
    for stream in 0..<3 {
      let drawn = DropoutKeys(seed: 3)
      drawn.stream = UInt64(stream)
      for _ in 0..<10 { keys.insert(drawn.next()) }
    }
    XCTAssertEqual(keys.count, 30)
  }

  func testTheFirstRankGivesTheParameters() throws {
    let start: @Sendable (Int) -> (CausalLM) -> Void = { rank in
      { model in
        if rank > 0 {
          for named in model.parameters() {
            named.parameter.value = Tensor(repeating: 0.5, shape: named.parameter.shape)
          }
        }
      }
    }
    let ranks = try Ranks.run(2) { try Self.train($0, steps: 3, prepare: start($0.rank)) }
    expectSame(ranks)
    expectClose(ranks[0], try Self.train(SingleProcess(), steps: 3))
  }

  func testATrainingGoesOnWithAnotherNumberOfRanks() throws {
    let alone = try Self.train(SingleProcess())
    for (before, after) in [(2, 3), (3, 1), (1, 2)] {
      try Files.withTemporaryFolder { folder in
        let path = folder.path
        _ = try Ranks.run(before) { rank in
          let trainer = Self.trainer(try TinyModel.make(), steps: 9, rank)
          _ = try Self.outcome(trainer, until: 5)
          if rank.rank == 0 { try TrainingCheckpoints(path).save(trainer) }
        }
        let ranks = try Ranks.run(after) { rank in
          let trainer = Self.trainer(try TinyModel.make(), steps: 9, rank)
          try XCTUnwrap(TrainingCheckpoints(path).latest().checkpoint).restore(trainer)
          return try Self.outcome(trainer)
        }
        expectSame(ranks)
        XCTAssertEqual(ranks[0].losses.count, 4)
        for (one, other) in zip(ranks[0].values, alone.values) {
          let size = other.map { $0 * $0 }.reduce(0, +).squareRoot()
          let distance = zip(one, other).map { ($0 - $1) * ($0 - $1) }.reduce(0, +).squareRoot()
          XCTAssertLessThanOrEqual(distance, 1e-5 * size, "\(before) to \(after) ranks")
        }
      }
    }
  }
}

// MARK: Errors

extension RankedTrainingTests {
  private func expectAll<Value>(
    _ outcomes: [Result<Value, any Error>], _ isExpected: (TrainingError) -> Bool,
    file: StaticString = #filePath, line: UInt = #line
  ) {
    for outcome in outcomes {
      XCTAssertThrowsError(try outcome.get(), file: file, line: line) { error in
        let isRight = (error as? TrainingError).map(isExpected) ?? false
        XCTAssertTrue(isRight, "\(error)", file: file, line: line)
      }
    }
  }

  func testAMethodThatGathersFromItsRowsIsRefused() {
    let outcomes = Ranks.outcomes(2) { rank in
      try Self.train(rank) { model in
        model.freeze()
        try model.attach(RoSA(rank: 2, density: 0.1, targets: .attention))
      }
    }
    expectAll(outcomes) {
      $0 == .communication(.methodStaysLocal(observer: "RoSAController"))
    }
  }

  func testRanksMustAgree() {
    let outcomes = Ranks.outcomes(2) { try Self.train($0, steps: 5 + $0.rank) }
    expectAll(outcomes) {
      $0 == .communication(.ranksDiffer(what: "the steps in all", smallest: 5, largest: 6))
    }
  }

  func testALossThatIsNotFiniteEndsAllRanksTogether() {
    let outcomes = Ranks.outcomes(2) { rank in
      let model = MeanModel(1)
      // A batch that cannot be cut goes to one rank only.
      model.replacement = (2, { $0.tensor.mean() * Tensor(Float.infinity) })
      let trainer = Trainer(
        model, optimizer: SGD(model.parameters(.trainable), learningRate: 0.1),
        settings: TrainerSettings(duration: .steps(4)))
      trainer.communicator = rank
      try trainer.run([MeanModel.Points(values: [0])]) { _ in true }
    }
    expectAll(outcomes) {
      if case .nonFiniteLoss(step: 2, _) = $0 { true } else { false }
    }
  }

  func testARankThatStopsEndsTheOthers() {
    struct Stop: Error {}
    let outcomes = Ranks.outcomes(3) { rank in
      let trainer = Self.trainer(try TinyModel.make(), steps: 9, rank)
      try trainer.run(Self.data()) { _ in
        if rank.rank == 2, trainer.stepCount == 3 { throw Stop() }
        return true
      }
    }
    XCTAssertThrowsError(try outcomes[2].get()) { XCTAssertTrue($0 is Stop) }
    expectAll(Array(outcomes[..<2])) { $0 == .communication(.rankLost(rank: 2)) }
  }
}
