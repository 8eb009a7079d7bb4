import PEFTTensor
import PEFTTraining
import PEFTTransformer
import XCTest

final class TrainingObserverTests: XCTestCase {
  /// Writes down every call with the parameter and its gradient.
  private final class Recorder: TrainingObserver {
    private let parameter: Parameter
    var calls: [String] = []

    init(_ parameter: Parameter) { self.parameter = parameter }

    private func record(_ name: String) {
      let gradient = parameter.gradient.map { "\($0.item)" } ?? "none"
      calls.append("\(name): \(parameter.value.item), \(gradient)")
    }

    func stepWillBegin(_ progress: TrainingProgress) { record("begin \(progress.step)") }

    func penalty(_ progress: TrainingProgress) -> Tensor? {
      record("penalty")
      return progress.step == 1 ? nil : parameter.tensor.sum() * 8
    }

    func parametersWillChange(_ progress: TrainingProgress, gradientScale: Float) {
      record("will change by \(gradientScale)")
    }

    func parametersDidChange(_ progress: TrainingProgress) { record("did change") }
  }

  func testCallsOfAStep() throws {
    let model = MeanModel(2)
    let recorder = Recorder(model.mean)
    let trainer = Trainer(
      model, optimizer: SGD(model.parameters(.trainable), learningRate: 0.25),
      settings: TrainerSettings(duration: .steps(2)))
    trainer.observers = [recorder]
    try trainer.run([MeanModel.Points(values: [0])]) { _ in true }
    XCTAssertEqual(
      recorder.calls,
      [
        "begin 1: 2.0, none", "penalty: 2.0, 4.0", "will change by 1.0: 2.0, 4.0",
        "did change: 1.0, none", "begin 2: 1.0, none", "penalty: 1.0, 2.0",
        "will change by 1.0: 1.0, 10.0", "did change: -1.5, none",
      ])
  }
}
