import PEFTTensor
import PEFTTraining
import PEFTTransformer
import XCTest

final class ParameterObserverTests: XCTestCase {
  /// Writes down every call with the parameter and its gradient.
  private final class Recorder: ParameterObserver {
    private let parameter: Parameter
    var calls: [String] = []

    init(_ parameter: Parameter) { self.parameter = parameter }

    private func record(_ name: String, _ scale: Float) {
      let gradient = parameter.gradient.map { "\($0.item)" } ?? "none"
      calls.append("\(name) by \(scale): \(parameter.value.item), \(gradient)")
    }

    func parametersWillChange(gradientScale: Float) { record("will change", gradientScale) }
    func parametersDidChange(gradientScale: Float) { record("did change", gradientScale) }
  }

  func testEveryStepTellsTheObserverOnce() throws {
    let (one, two) = (Parameter(Tensor(2)), Parameter(Tensor(3)))
    let recorder = Recorder(one)
    (one.observer, two.observer) = (recorder, recorder)
    let optimizer = SGD(
      Bag([("one", one), ("two", two)]).parameters(), learningRate: 0.25)
    (one.tensor * 4 + two.tensor).backward()
    optimizer.step()
    XCTAssertEqual(one.gradient?.item, nil)
    (one.tensor * 8).backward()
    optimizer.step(gradientScale: 0.5)
    (one.tensor * 4).backward()
    optimizer.step(clippingTo: 1e9)
    XCTAssertEqual(
      recorder.calls,
      [
        "will change by 1.0: 2.0, 4.0", "did change by 1.0: 1.0, 4.0",
        "will change by 0.5: 1.0, 8.0", "did change by 0.5: 0.0, 8.0",
        "will change by 1.0: 0.0, 4.0", "did change by 1.0: -1.0, 4.0",
      ])
  }
}
