import PEFTTensor
import XCTest

final class FinalGradientsTests: XCTestCase {
  private let a = Parameter(Tensor([1, 2]))
  private let b = Parameter(Tensor([3, 4]))
  private let frozen = Parameter(Tensor([5, 6]), isTrainable: false)

  /// Runs a backward pass and returns the parameters in the order in which they were final, with the gradient each had then.
  private func finals(_ loss: Tensor) -> [(name: String, gradient: [Float])] {
    var result: [(name: String, gradient: [Float])] = []
    loss.backward(scale: 1) { [a, b] identity in
      for (name, parameter) in [("a", a), ("b", b)] where ObjectIdentifier(parameter) == identity {
        result.append((name, parameter.gradient?.array ?? []))
      }
    }
    return result
  }

  private func check(
    _ finals: [(name: String, gradient: [Float])], _ names: [String],
    file: StaticString = #filePath,
    line: UInt = #line
  ) {
    XCTAssertEqual(finals.map(\.name), names, file: file, line: line)
    for (name, gradient) in finals {
      let last = name == "a" ? a.gradient : b.gradient
      XCTAssertEqual(gradient, last?.array, file: file, line: line)
    }
  }

  func testTheLastUsedIsFinalFirst() {
    let x = a.tensor * frozen.tensor
    check(finals((x * b.tensor).mean()), ["b", "a"])
  }

  func testSeveralUsesAreWaitedFor() {
    // b is used at the end and at the beginning.
    let x = b.tensor * frozen.tensor
    let y = x * a.tensor
    check(finals((y * b.tensor).mean()), ["a", "b"])
  }

  func testACheckpointedBodyCountsAsAUseOfItsParameters() {
    let (a, b) = (a, b)
    let first = checkpointed([frozen.tensor]) { $0[0] * b.tensor }
    let second = checkpointed([first]) { $0[0] * a.tensor * b.tensor }
    check(finals(second.mean()), ["a", "b"])
  }

  func testCheckpointedBodiesWithinEachOther() {
    let (a, b) = (a, b)
    let x = checkpointed([frozen.tensor]) { inputs in
      let y = checkpointed(inputs) { $0[0] * a.tensor }
      return y * b.tensor
    }
    check(finals((x * a.tensor).mean()).sorted { $0.name < $1.name }, ["a", "b"])
  }

  func testAParameterOutsideTheGraphIsNotTold() {
    check(finals((a.tensor * frozen.tensor).mean()), ["a"])
    XCTAssertNil(b.gradient)
  }
}
