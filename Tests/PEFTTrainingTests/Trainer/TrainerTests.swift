import PEFTTensor
import PEFTTraining
import PEFTTransformer
import XCTest

final class TrainerTests: XCTestCase {
  private typealias Points = MeanModel.Points

  private func trainer(
    _ model: MeanModel, _ settings: TrainerSettings, schedule: Schedule = .constant
  ) -> Trainer<MeanModel> {
    Trainer(
      model, optimizer: SGD(model.parameters(.trainable), learningRate: 0.25), schedule: schedule,
      settings: settings)
  }

  private func events(
    _ trainer: Trainer<MeanModel>, _ data: [Points], _ evaluationData: [Points]? = nil
  ) throws -> [TrainingEvent] {
    var events: [TrainingEvent] = []
    try trainer.run(data, evaluationData: evaluationData) { event in
      events.append(event)
      return true
    }
    return events
  }

  private func steps(_ events: [TrainingEvent]) -> [TrainingEvent.Step] {
    events.compactMap { if case .step(let step) = $0 { step } else { nil } }
  }

  func testStepsEqualTheClosedForm() throws {
    let model = MeanModel(4)
    let data = [Points(values: [1, 3]), Points(values: [0, 0, 3])]
    let trainer = trainer(
      model, TrainerSettings(duration: .epochs(2), maximumGradientNorm: 2),
      schedule: .linear(warmup: 1))
    let steps = steps(try events(trainer, data))
    var mean = 4.0
    for (number, step) in steps.enumerated() {
      let values = data[number % 2].values.map(Double.init)
      let loss = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      let gradient = values.reduce(0) { $0 + 2 * (mean - $1) } / Double(values.count)
      let rate = 0.25 * (number == 0 ? 0 : Double(4 - number) / 3)
      XCTAssertEqual(step.loss, loss, accuracy: 1e-5)
      XCTAssertEqual(step.gradientNorm, abs(gradient), accuracy: 1e-5)
      XCTAssertEqual(step.learningRate, rate, accuracy: 1e-15)
      XCTAssertEqual(step.progress, TrainingProgress(step: number + 1, total: 4))
      XCTAssertEqual(step.epoch, Double(number + 1) / 2)
      XCTAssertEqual(step.tokens, values.count)
      mean -= rate * gradient * min(1, 2 / (abs(gradient) + 1e-6))
    }
    XCTAssertEqual(steps.count, 4)
    XCTAssertEqual(Double(model.mean.value.item), mean, accuracy: 1e-6)
    XCTAssertEqual(trainer.optimizer.learningRate, 0.25)
  }

  func testEvaluationsAndSummary() throws {
    let model = MeanModel(1)
    let trainer = trainer(
      model, TrainerSettings(duration: .steps(5), evaluationInterval: 2))
    let events = try events(
      trainer, [Points(values: [0])], [Points(values: [0, 0]), Points(values: [0])])
    let kinds = events.map { event in
      switch event {
      case .step(let step): "step \(step.progress.step)"
      case .evaluation(let evaluation): "evaluation \(evaluation.step)"
      case .change(let change): "change \(change.name)"
      case .anomaly(let anomaly): "anomaly \(anomaly.step)"
      case .finished(let summary): "finished \(summary.steps)"
      }
    }
    XCTAssertEqual(
      kinds,
      [
        "step 1", "step 2", "evaluation 2", "step 3", "step 4", "evaluation 4", "step 5",
        "evaluation 5", "finished 5",
      ])
    // Every step halves the mean.
    guard case .finished(let summary) = events.last else { return XCTFail("not finished") }
    XCTAssertEqual(summary.tokens, 5)
    XCTAssertEqual(summary.loss, 0x1p-8)
    XCTAssertEqual(
      summary.evaluation, TrainingEvent.Evaluation(step: 5, loss: 0x1p-10, labels: 3, isBest: true))
  }

  func testAccumulationWeighsLabels() throws {
    let data = [[1, 2, 3], [10], [4, 4], [7]].map { Points(values: $0) }
    let (model, large) = (MeanModel(0), MeanModel(0))
    let trainer = trainer(model, TrainerSettings(duration: .epochs(1), accumulation: 3))
    let steps = steps(try events(trainer, data))
    try self.trainer(large, TrainerSettings(duration: .epochs(1))).run(
      [Points(values: [1, 2, 3, 10, 4, 4]), Points(values: [7])]
    ) { event in
      if case .step(let step) = event {
        XCTAssertEqual(steps[step.progress.step - 1].loss, step.loss, accuracy: 1e-5)
        XCTAssertEqual(steps[step.progress.step - 1].tokens, step.tokens)
      }
      return true
    }
    XCTAssertEqual(steps.count, 2)
    XCTAssertEqual(model.mean.value.item, large.mean.value.item, accuracy: 1e-6)
  }

  func testStoppedRunsContinue() throws {
    let data = (0..<3).map { Points(values: [Float($0)]) }
    let (whole, parts) = (MeanModel(5), MeanModel(5))
    let settings = TrainerSettings(duration: .steps(7))
    _ = try events(trainer(whole, settings, schedule: .cosine()), data)
    let trainer = trainer(parts, settings, schedule: .cosine())
    try trainer.run(data) { event in
      if case .step(let step) = event { step.progress.step < 4 } else { true }
    }
    XCTAssertEqual(trainer.stepCount, 4)
    XCTAssertEqual(steps(try events(trainer, data)).map(\.progress.step), [5, 6, 7])
    XCTAssertEqual(parts.mean.value.item, whole.mean.value.item)
  }

  func testALossThatIsNotFiniteKeepsTheParameters() throws {
    let model = MeanModel(4)
    model.replacement = (3, { $0.tensor * Float.nan })
    let trainer = trainer(model, TrainerSettings(duration: .steps(9)))
    XCTAssertThrowsError(try events(trainer, [Points(values: [0])])) { error in
      guard case TrainingError.nonFiniteLoss(step: 3, let loss) = error else {
        return XCTFail("\(error)")
      }
      XCTAssertTrue(loss.isNaN)
    }
    XCTAssertEqual(model.mean.value.item, 1)
    XCTAssertNil(model.mean.gradient)
    XCTAssertEqual(trainer.stepCount, 2)
  }

  func testAGradientThatIsNotFiniteKeepsTheParameters() throws {
    let model = MeanModel(0)
    model.replacement = (1, { $0.tensor.squareRoot.sum() })
    XCTAssertThrowsError(
      try events(trainer(model, TrainerSettings(duration: .steps(9))), [Points(values: [0])])
    ) { XCTAssertEqual($0 as? TrainingError, .nonFiniteGradient(step: 1)) }
    XCTAssertEqual(model.mean.value.item, 0)
    XCTAssertNil(model.mean.gradient)
  }

  func testMissingBatchesAndLabels() {
    let settings = TrainerSettings(duration: .steps(1))
    let cases: [([Points], [Points]?, TrainingError)] = [
      ([], nil, .noBatches), ([Points(values: [])], nil, .noLabels(step: 1)),
      ([Points(values: [1])], [], .noBatches),
      ([Points(values: [1])], [Points(values: [])], .noLabels(step: 0)),
    ]
    for (data, evaluationData, expected) in cases {
      XCTAssertThrowsError(try events(trainer(MeanModel(0), settings), data, evaluationData)) {
        XCTAssertEqual($0 as? TrainingError, expected)
      }
    }
  }
}
