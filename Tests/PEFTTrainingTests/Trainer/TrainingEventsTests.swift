import PEFTTensor
import PEFTTraining
import PEFTTransformer
import XCTest

final class TrainingEventsTests: XCTestCase {
  private static func trainer(steps: Int) -> Trainer<MeanModel> {
    let model = MeanModel(1)
    return Trainer(
      model, optimizer: SGD(model.parameters(.trainable), learningRate: 0.25),
      settings: TrainerSettings(duration: .steps(steps)))
  }

  func testEventsOfAnEntireTraining() async throws {
    let trainer = Self.trainer(steps: 3)
    var steps: [Int] = []
    for try await event in trainer.fit([MeanModel.Points(values: [0])]) {
      if case .step(let step) = event { steps.append(step.progress.step) }
    }
    XCTAssertEqual(steps, [1, 2, 3])
    XCTAssertEqual(trainer.model.mean.value.item, 0.125)
  }

  func testLeavingTheLoopStopsAndAnotherContinues() async throws {
    let trainer = Self.trainer(steps: 5)
    let data = [MeanModel.Points(values: [0])]
    for try await event in trainer.fit(data) {
      if case .step(let step) = event, step.progress.step == 2 { break }
    }
    XCTAssertEqual(trainer.stepCount, 2)
    for try await _ in trainer.fit(data) {}
    XCTAssertEqual(trainer.stepCount, 5)
  }

  func testACancelledTaskEndsBetweenSteps() async throws {
    let task = Task { await TrainingEventsTests.trainUntilCancelled() }
    let steps = await task.value
    XCTAssertEqual(steps, 4)
  }

  private static func trainUntilCancelled() async -> Int {
    let trainer = trainer(steps: 100)
    do {
      for try await event in trainer.fit([MeanModel.Points(values: [0])]) {
        if case .step(let step) = event, step.progress.step == 4 {
          withUnsafeCurrentTask { $0?.cancel() }
        }
      }
      XCTFail("not cancelled")
    } catch {
      XCTAssertTrue(error is CancellationError, "\(error)")
    }
    return trainer.stepCount
  }

  @MainActor
  func testTrainsInTheIsolationOfTheCaller() async throws {
    let trainer = Self.trainer(steps: 2)
    for try await _ in trainer.fit([MeanModel.Points(values: [0])]) {
      MainActor.assertIsolated()
    }
    XCTAssertEqual(trainer.stepCount, 2)
  }
}
