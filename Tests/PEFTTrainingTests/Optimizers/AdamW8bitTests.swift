import Foundation
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class AdamW8bitTests: XCTestCase {
  /// Steps of bitsandbytes on the CPU; see `make_weights.py`.
  private struct Fixture: Decodable {
    struct Step: Decodable {
      var gradient, parameter, state1, state2, absmax1, absmax2: Data
    }
    var initial: Data
    var steps: [Step]
  }

  private func floats(_ data: Data) -> [Float] {
    stride(from: 0, to: data.count, by: 4).map { start in
      Float(bitPattern: data[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }
  }

  private func named(_ values: [Float], _ path: String = "weight") -> NamedParameter {
    Bag([(path, Parameter(Tensor(values)))]).parameters()[0]
  }

  private func named(_ count: Int, _ path: String = "weight") -> NamedParameter {
    named((0..<count).map { Float($0) / Float(count) - 0.5 }, path)
  }

  private func setGradient(_ step: Int, of named: NamedParameter) {
    let parameter = named.parameter
    parameter.gradient = Tensor(
      (0..<parameter.count).map { sin(0.37 * Float(step * $0)) }, shape: parameter.shape)
  }

  func testStepsAreThoseOfBitsandbytes() throws {
    let data = try Data(contentsOf: Files.fixture("Weights/adamw8bit.json"))
    let fixture = try JSONDecoder().decode(Fixture.self, from: data)
    let named = named(floats(fixture.initial))
    let optimizer = AdamW8bit([named], learningRate: 0.01, weightDecay: 0.01)
    for (index, step) in fixture.steps.enumerated() {
      named.parameter.gradient = Tensor(floats(step.gradient))
      optimizer.step()
      let state = optimizer.state
      XCTAssertEqual(state["step.weight"]?.item, Float(index + 1))
      for (name, expected) in [("absmax1", step.absmax1), ("absmax2", step.absmax2)] {
        expectClose(
          try XCTUnwrap(state["\(name).weight"]).array, floats(expected).map(Double.init),
          relative: 1e-6, name)
      }
      // A last place more or less may fall on the other side of a point of the grid.
      for (name, expected) in [("state1", step.state1), ("state2", step.state2)] {
        let codes = try XCTUnwrap(state["\(name).weight"]).array
        let wrong = zip(codes, expected).filter { $0 != Float($1) }
        XCTAssertLessThanOrEqual(wrong.count, 8, "\(name) of step \(index + 1)")
      }
      let errors = zip(named.parameter.value.array, floats(step.parameter)).map { abs($0 - $1) }
      XCTAssertLessThanOrEqual(errors.filter { $0 > 1e-6 }.count, 8, "step \(index + 1)")
    }
  }

  func testSmallParametersHaveMomentsInFloat32() {
    let (ours, exact) = (named(4095), named(4095))
    let (optimizer, reference) = (AdamW8bit([ours]), AdamW([exact]))
    for step in 1...3 {
      for (named, optimizer) in [(ours, optimizer as any Optimizer), (exact, reference)] {
        setGradient(step, of: named)
        optimizer.step()
      }
    }
    XCTAssertEqual(ours.parameter.value.array, exact.parameter.value.array)
    XCTAssertEqual(
      Set(optimizer.state.keys), ["step.weight", "state1.weight", "state2.weight"])
  }

  func testARestoredStateGoesOnWithTheSameBits() throws {
    func run(_ interruption: Int?) throws -> [[Float]] {
      let parameters = [named(5000, "large"), named(100, "small")]
      var optimizer = AdamW8bit(parameters, learningRate: 0.02)
      for step in 1...6 {
        if step == interruption {
          let state = optimizer.state
          optimizer = AdamW8bit(parameters, learningRate: 0.02)
          try optimizer.restore(state)
        }
        for named in parameters { setGradient(step, of: named) }
        optimizer.step()
      }
      return parameters.map(\.parameter.value.array)
    }
    XCTAssertEqual(try run(4), try run(nil))
  }

  func testAStateThatDoesNotFitChangesNothing() throws {
    let parameters = [named(5000, "large"), named(100, "small")]
    let optimizer = AdamW8bit(parameters)
    for named in parameters { setGradient(1, of: named) }
    optimizer.step()
    let state = optimizer.state
    let cases: [(name: String, value: Tensor?)] = [
      ("absmax1.large", nil), ("absmax2.large", Tensor(zeros: [3])),
      ("state1.large", Tensor(repeating: 0.5, shape: [5000])), ("state2.small", nil),
      ("step.large", Tensor(-1)), ("step.large", nil), ("state1.other", Tensor(0)),
    ]
    for (name, value) in cases {
      var changed = state
      changed[name] = value
      XCTAssertThrowsError(try optimizer.restore(changed), name) { error in
        XCTAssert(error is TrainingError, "\(error)")
      }
      XCTAssertEqual(optimizer.state.mapValues(\.array), state.mapValues(\.array), name)
    }
  }
}
