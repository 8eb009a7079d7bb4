import PEFTTensor
import PEFTTraining
import PEFTTransformer
import XCTest

/// What ends a training early, changes it on its way, and averages it.
final class TrainerControlTests: XCTestCase {
  private typealias Points = MeanModel.Points
  private let data = [Points(values: [0])]

  private func trainer(_ model: MeanModel, steps: Int = 6) -> Trainer<MeanModel> {
    Trainer(
      model, optimizer: SGD(model.parameters(.trainable), learningRate: 0.25),
      settings: TrainerSettings(duration: .steps(steps), evaluationInterval: 1))
  }

  func testEarlyStoppingEndsTheTraining() throws {
    // Every step halves the mean, so that the loss of points at 0.5 falls until the mean is there and rises after it.
    let held = [Points(values: [0.5])]
    for (patience, improvement, steps) in [(1, 0.0, 3), (2, 0, 4), (1, 0.3, 2), (3, 0, 5)] {
      let trainer = trainer(MeanModel(2))
      trainer.earlyStopping = EarlyStopping(
        patience: patience, minimumImprovement: improvement)
      var summary: TrainingEvent.Summary?
      try trainer.run(data, evaluationData: held) { event in
        if case .finished(let finished) = event { summary = finished }
        return true
      }
      XCTAssertEqual(summary?.steps, steps, "patience \(patience), \(improvement)")
      XCTAssertEqual(summary?.evaluation?.step, steps)
      // Another run finds it ended.
      try trainer.run(data, evaluationData: held) { _ in true }
      XCTAssertEqual(trainer.stepCount, steps)
    }
  }

  func testPatienceSurvivesAnInterruption() throws {
    let held = [Points(values: [0.5])]
    let first = trainer(MeanModel(2))
    first.earlyStopping = EarlyStopping(patience: 2)
    try first.run(data, evaluationData: held) { event in
      if case .evaluation(let evaluation) = event { evaluation.step < 3 } else { true }
    }
    let model = MeanModel(0)
    model.mean.value = first.model.mean.value
    let second = trainer(model)
    second.earlyStopping = EarlyStopping(patience: 2)
    try second.restore(first.state)
    XCTAssertEqual(second.earlyStopping?.misses, 1)
    try second.run(data, evaluationData: held) { _ in true }
    XCTAssertEqual(second.stepCount, 4)
  }

  func testChangesAreMadeToldAndKept() throws {
    let trainer = trainer(MeanModel(1))
    var asked: [Int] = []
    trainer.adjust = { next, values in
      asked.append(next.step)
      if next.step == 3 { values.learningRate = 0.125 }
      if next.step == 5 { (values.learningRate, values.maximumGradientNorm) = (0.5, 0.01) }
    }
    var told: [Hyperparameters.Change] = []
    var rates: [Double] = []
    try trainer.run(data) { event in
      if case .change(let change) = event { told.append(change) }
      if case .step(let step) = event { rates.append(step.learningRate) }
      return true
    }
    XCTAssertEqual(asked, Array(1...6))
    XCTAssertEqual(rates, [0.25, 0.25, 0.125, 0.125, 0.5, 0.5])
    XCTAssertEqual(
      told,
      [
        .init(step: 3, name: "learning_rate", old: 0.25, new: 0.125),
        .init(step: 5, name: "learning_rate", old: 0.125, new: 0.5),
        .init(step: 5, name: "clip", old: nil, new: 0.01),
      ])
    // 1/2, 1/4, then three quarters each, then steps of 0.5 times a gradient of norm 0.01.
    XCTAssertEqual(Double(trainer.model.mean.value.item), 0.140625 - 0.01, accuracy: 1e-5)
    let other = self.trainer(MeanModel(1))
    try other.restore(trainer.state)
    XCTAssertEqual(other.hyperparameters, trainer.hyperparameters)
  }

  func testChangesByWhoeverTakesTheEventsAreToldToo() throws {
    let trainer = trainer(MeanModel(1), steps: 4)
    var told: [Hyperparameters.Change] = []
    try trainer.run(data) { event in
      if case .change(let change) = event { told.append(change) }
      if case .step(let step) = event, step.progress.step == 2 {
        trainer.optimizer.learningRate = 0.125
        trainer.maximumGradientNorm = 3
      }
      return true
    }
    XCTAssertEqual(
      told,
      [
        .init(step: 3, name: "learning_rate", old: 0.25, new: 0.125),
        .init(step: 3, name: "clip", old: nil, new: 3),
      ])
  }

  func testTheAverageIsEvaluated() throws {
    let model = MeanModel(1)
    let trainer = trainer(model, steps: 2)
    trainer.average = WeightAverage(model.parameters(.trainable), .last(2))
    var losses: [Double] = []
    try trainer.run(data, evaluationData: data) { event in
      if case .evaluation(let evaluation) = event { losses.append(evaluation.loss) }
      return true
    }
    XCTAssertEqual(losses, [0.25, 0.375 * 0.375])
    XCTAssertEqual(model.mean.value.item, 0.25)
    XCTAssertThrowsError(try self.trainer(MeanModel(1)).restore(trainer.state))
  }
}
