import PEFTTensor
import PEFTTraining
import XCTest

final class GradientReducerTests: XCTestCase {
  /// Two ranks of which the other has zeros and no gradient; writes down what is sent.
  private final class Recorder: Communicator {
    let rank = 0
    let count = 2
    var log: [String] = []

    struct Sent: PendingSum {
      let recorder: Recorder
      func progress() {}
      func wait() { recorder.log.append("wait") }
    }

    func startSum(_ values: UnsafeMutableBufferPointer<Float>) -> any PendingSum {
      log.append("send \(values.count)")
      return Sent(recorder: self)
    }

    func reduce(_ values: [Double], _ operation: Reduction) -> [Double] { values }
    func broadcast(_ values: UnsafeMutableBufferPointer<Float>) {}
  }

  /// As many elements as their number, so that messages can be told apart; each is used after the one before.
  private let parameters = (1...3).map { Parameter(Tensor(repeating: 2, shape: [$0])) }

  private func pass(_ reducer: GradientReducer, _ recorder: Recorder) throws -> [String] {
    recorder.log = []
    var x = Tensor([1])
    for parameter in parameters { x = (parameter.tensor * x).mean().reshaped([1]) }
    x.backward(scale: 1) { identity in
      let index = self.parameters.firstIndex { ObjectIdentifier($0) == identity }
      recorder.log.append("final \(index.map { $0 + 1 } ?? 0)")
      reducer.isFinal(identity)
    }
    recorder.log.append("end")
    try reducer.finish()
    return recorder.log
  }

  func testBucketsAreSentWhileThePassGoesOn() throws {
    let recorder = Recorder()
    let reducer = GradientReducer(parameters, recorder, smallest: 1)
    for _ in 0..<2 {
      // A message has one number more for each of its parameters.
      XCTAssertEqual(
        try pass(reducer, recorder),
        [
          "final 3", "send 4", "final 2", "send 3", "final 1", "send 2", "end", "wait", "wait",
          "wait",
        ])
    }
    XCTAssertEqual(parameters.map { $0.gradient?.array.count }, [1, 2, 3])
  }

  func testTheOrderIsLearned() throws {
    let recorder = Recorder()
    let listed = [parameters[2], parameters[0], parameters[1]]
    let reducer = GradientReducer(listed, recorder, smallest: 1)
    let first = try pass(reducer, recorder).prefix { $0 != "end" }
    XCTAssertEqual(first, ["final 3", "final 2", "send 3", "final 1", "send 2", "send 4"])
    let second = try pass(reducer, recorder).prefix { $0 != "end" }
    XCTAssertEqual(second, ["final 3", "send 4", "final 2", "send 3", "final 1", "send 2"])
  }

  func testWhatIsNotUsedIsSentAtTheEndAndHasNoGradient() throws {
    let (recorder, idle) = (Recorder(), Parameter(Tensor([1, 2, 3, 4, 5])))
    let reducer = GradientReducer(parameters + [idle], recorder, smallest: 1)
    _ = try pass(reducer, recorder)
    let log = try pass(reducer, recorder)
    XCTAssertEqual(Array(log.drop { $0 != "end" }.prefix(2)), ["end", "send 6"])
    XCTAssertNil(idle.gradient)
  }

  func testARankWithoutRowsSendsInTheSameOrder() throws {
    let recorder = Recorder()
    let reducer = GradientReducer(parameters, recorder, smallest: 3)
    try reducer.finish()
    XCTAssertEqual(recorder.log, ["send 4", "send 5", "wait", "wait"])
    XCTAssertEqual(parameters.map { $0.gradient == nil }, [true, true, true])
  }
}
