import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class WeightAverageTests: XCTestCase {
  private func bag() -> (Parameter, [NamedParameter]) {
    let parameter = Parameter(Tensor([0, 0]))
    return (parameter, Bag([("a", parameter)]).parameters())
  }

  /// The values after step n.
  private func value(_ step: Int) -> [Double] {
    [Double(step * step), 1 / Double(step)]
  }

  private func run(_ average: WeightAverage, _ parameter: Parameter, _ steps: ClosedRange<Int>) {
    for step in steps {
      parameter.value = Tensor(value(step).map(Float.init))
      average.update()
    }
  }

  func testExponentialAverageEqualsTheClosedForm() throws {
    let (parameter, named) = bag()
    let average = WeightAverage(named, .exponential(decay: 0.75))
    run(average, parameter, 1...7)
    let expected = (0..<2).map { index in
      (2...7).reduce(value(1)[index]) { 0.75 * $0 + 0.25 * value($1)[index] }
    }
    let during = average.use { parameter.value.array }
    expectClose(during, expected, relative: 1e-6, absolute: 0)
    expectClose(parameter.value.array, value(7), relative: 1e-6, absolute: 0)
    average.assign()
    XCTAssertEqual(parameter.value.array, during)
  }

  func testTheLastStepsAreAlike() throws {
    let (parameter, named) = bag()
    let average = WeightAverage(named, .last(3))
    XCTAssertEqual(average.use { parameter.value.array }, [0, 0])
    run(average, parameter, 1...2)
    expectClose(average.use { parameter.value.array }, [2.5, 0.75], relative: 1e-6, absolute: 0)
    run(average, parameter, 3...7)
    let expected = (0..<2).map { index in (5...7).reduce(0) { $0 + value($1)[index] } / 3 }
    expectClose(average.use { parameter.value.array }, expected, relative: 1e-6, absolute: 0)
  }

  func testARestoredAverageGoesOnToTheBit() throws {
    for kind in [WeightAverage.Kind.exponential(decay: 0.9), .last(4), .last(2)] {
      let (parameter, named) = bag()
      let (whole, first, second) = (
        WeightAverage(named, kind), WeightAverage(named, kind), WeightAverage(named, kind)
      )
      run(whole, parameter, 1...6)
      run(first, parameter, 1...3)
      try second.restore(first.state)
      run(second, parameter, 4...6)
      XCTAssertEqual(second.count, 6)
      XCTAssertEqual(
        second.use { parameter.value.array }, whole.use { parameter.value.array }, "\(kind)")
    }
  }

  func testAnotherStateIsRefused() throws {
    let (parameter, named) = bag()
    let average = WeightAverage(named, .last(2))
    run(average, parameter, 1...2)
    var (missing, foreign, uncounted) = (average.state, average.state, average.state)
    missing["1.a"] = nil
    foreign["0.b"] = Tensor([1])
    uncounted["count"] = nil
    for state in [missing, foreign, uncounted, ["count": Tensor(0.5)]] {
      XCTAssertThrowsError(try WeightAverage(named, .last(2)).restore(state)) { error in
        guard case TrainingError.stateMismatch = error else { return XCTFail("\(error)") }
      }
    }
    XCTAssertNoThrow(try WeightAverage(named, .last(2)).restore([:]))
  }
}
