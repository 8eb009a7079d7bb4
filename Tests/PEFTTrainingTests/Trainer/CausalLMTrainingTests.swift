import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class CausalLMTrainingTests: XCTestCase {
  private func data(_ count: Int = 16, batchSize: Int = 4) -> TokenBatches {
    let (ids, labels) = TinyModel.rows(count, seed: 1)
    return TokenBatches(
      zip(ids, labels).map { TrainingExample(ids: $0, labels: $1) }, batchSize: batchSize,
      order: .shuffled(seed: 4))
  }

  private func trainer(_ model: CausalLM, accumulation: Int = 1, steps: Int) -> Trainer<CausalLM> {
    Trainer(
      model, optimizer: AdamW(model.parameters(.trainable), learningRate: 1e-2),
      schedule: .cosine(warmup: 2),
      settings: TrainerSettings(
        duration: .steps(steps), accumulation: accumulation, maximumGradientNorm: 1))
  }

  private func values(_ model: CausalLM) -> [[Float]] {
    model.parameters().map(\.parameter.value.array)
  }

  func testTheLossFalls() throws {
    let model = try TinyModel.make()
    let trainer = trainer(model, steps: 40)
    let before = try trainer.evaluate(data()).loss
    var losses: [Double] = []
    try trainer.run(data(), evaluationData: data()) { event in
      if case .step(let step) = event { losses.append(step.loss) }
      return true
    }
    let after = try trainer.evaluate(data()).loss
    XCTAssertLessThan(after, 0.5 * before)
    XCTAssertEqual(losses.count, 40)
    XCTAssertLessThan(losses.suffix(4).reduce(0, +), 0.6 * losses.prefix(4).reduce(0, +))
  }

  func testALoopOfOnesOwn() throws {
    let model = try TinyModel.make()
    let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-2)
    let (ids, labels) = TinyModel.rows(4, seed: 2)
    let batch = TokenBatch(rows: ids, labels: labels)
    let losses = (0..<10).map { _ in
      let loss = model.loss(batch)
      loss.backward()
      optimizer.step()
      return loss.item
    }
    XCTAssertLessThan(losses[9], losses[0])
  }

  func testAccumulatedGradientsAreThoseOfTheLargeBatch() throws {
    let model = try TinyModel.make()
    let (ids, labels) = TinyModel.rows(8, seed: 3)
    let whole = TokenBatch(rows: ids, labels: labels)
    let parts = stride(from: 0, to: 8, by: 2).map {
      TokenBatch(rows: Array(ids[$0..<$0 + 2]), labels: Array(labels[$0..<$0 + 2]))
    }
    XCTAssertGreaterThan(Set(parts.map(\.targetCount)).count, 1)
    func gradients(_ batches: [TokenBatch]) throws -> [Tensor] {
      let parameters = model.parameters(.trainable)
      let total = batches.reduce(0) { $0 + $1.targetCount }
      for batch in batches {
        model.loss(batch).backward(scale: Float(batch.targetCount) / Float(total))
      }
      defer { for named in parameters { named.parameter.gradient = nil } }
      return try parameters.map { try XCTUnwrap($0.parameter.gradient, $0.path) }
    }
    for (accumulated, large) in zip(try gradients(parts), try gradients([whole])) {
      let largest = large.array.reduce(0) { max($0, abs($1)) }
      expectClose(accumulated, large, absolute: 4e-6 * Double(largest) + 1e-8)
    }
  }

  func testTheTrainerAccumulatesToTheLargeBatch() throws {
    let (ids, labels) = TinyModel.rows(8, seed: 3)
    let examples = zip(ids, labels).map { TrainingExample(ids: $0, labels: $1) }
    func step(_ batchSize: Int, _ accumulation: Int) throws -> TrainingEvent.Step {
      var result: TrainingEvent.Step?
      try trainer(TinyModel.make(), accumulation: accumulation, steps: 1).run(
        TokenBatches(examples, batchSize: batchSize)
      ) { event in
        if case .step(let step) = event { result = step }
        return true
      }
      return try XCTUnwrap(result)
    }
    let (large, accumulated) = (try step(8, 1), try step(2, 4))
    XCTAssertEqual(accumulated.loss, large.loss, accuracy: 1e-6)
    XCTAssertEqual(
      accumulated.gradientNorm, large.gradientNorm, accuracy: 4e-6 * large.gradientNorm)
    XCTAssertEqual(accumulated.tokens, large.tokens)
  }

  func testTwoRunsGiveTheSameBits() throws {
    let models = try (0..<2).map { _ in try TinyModel.make(dropout: 0.1) }
    for model in models { try trainer(model, accumulation: 2, steps: 6).run(data()) { _ in true } }
    XCTAssertEqual(values(models[0]), values(models[1]))
    let other = try TinyModel.make(dropout: 0.1)
    other.dropoutKeys = DropoutKeys(seed: 1)
    try trainer(other, accumulation: 2, steps: 6).run(data()) { _ in true }
    XCTAssertNotEqual(values(models[0]), values(other))
  }

  func testAnInterruptedTrainingEndsWithTheSameBits() throws {
    let whole = try TinyModel.make(dropout: 0.1)
    try trainer(whole, steps: 9).run(data()) { _ in true }

    let first = try TinyModel.make(dropout: 0.1)
    let firstTrainer = trainer(first, steps: 9)
    try firstTrainer.run(data()) { event in
      if case .step(let step) = event { step.progress.step < 5 } else { true }
    }
    let second = try TinyModel.make(dropout: 0.1)
    for (from, to) in zip(first.parameters(), second.parameters()) {
      to.parameter.value = Tensor(from.parameter.value.array, shape: to.parameter.shape)
    }
    let secondTrainer = trainer(second, steps: 9)
    try secondTrainer.restore(firstTrainer.state)
    try secondTrainer.run(data()) { _ in true }
    XCTAssertEqual(values(whole), values(second))
  }

  func testASteadyStepAllocatesNothing() throws {
    let model = try TinyModel.make(dropout: 0.1)
    let (ids, labels) = TinyModel.rows(4, seed: 6)
    let batch = TokenBatch(rows: ids, labels: labels)
    var misses: [Int] = []
    try trainer(model, accumulation: 1, steps: 6).run([batch]) { _ in
      misses.append(Pool.shared.statistics.misses)
      return true
    }
    XCTAssertEqual(misses.dropFirst(2).first, misses.last)
  }
}
