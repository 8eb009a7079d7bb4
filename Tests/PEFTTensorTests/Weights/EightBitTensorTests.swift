import CPEFTKernels
import Foundation
import PEFTTensor
import PEFTTestSupport
import XCTest

final class EightBitTensorTests: XCTestCase {
  func testNumbersComeBackAsTheNearestOfTheMap() {
    let cases: [(DynamicMap, ClosedRange<Float>)] = [(.signed, -3...3), (.unsigned, 0...3)]
    for (map, range) in cases {
      KernelsCheck.forEachLength { label, n in
        let values = KernelsCheck.values(n, seed: 31, in: range)
        let tensor = EightBitTensor(Tensor(values), map: map)
        let dense = tensor.dense().array
        for start in stride(from: 0, to: n, by: 256) {
          let block = values[start..<min(start + 256, n)]
          let scale = block.map(abs).max() ?? 0
          XCTAssertEqual(tensor.scales[start / 256], scale, label)
          for (index, x) in zip(block.indices, block) {
            let nearest = map.values.map { abs($0 - x / scale) }.min() ?? 0
            // A number may be half a step of the grid beyond the middle between two of the map.
            let slack: Float = 2.1 / 65_535
            XCTAssertLessThanOrEqual(abs(dense[index] - x) / scale, nearest + slack, label)
            XCTAssertEqual(dense[index], map.values[Int(tensor.codes[index])] * scale, label)
          }
        }
      }
    }
  }

  func testZerosAndNumbersThatAreNone() {
    KernelsCheck.forEachInstructionSet { name in
      let zeros = EightBitTensor(Tensor(zeros: [300]), map: .signed)
      XCTAssertEqual(zeros.dense().array, [Float](repeating: 0, count: 300), name)
      XCTAssertEqual(zeros.scales, [0, 0], name)
      let mixed = EightBitTensor(Tensor([.nan, 2, -1]), map: .signed).dense().array
      XCTAssertEqual(mixed[1], 2, name)
      XCTAssertEqual(mixed[0], 0, accuracy: 1e-4, name)
    }
  }

  private struct Fixture: Decodable {
    struct Step: Decodable {
      var gradient: Data
      var parameter: Data
      var state1: Data
      var state2: Data
      var absmax1: Data
      var absmax2: Data
    }
    var initial: Data
    var steps: [Step]
  }

  func testAdamWTakesTheStepsOfBitsandbytes() throws {
    let data = try Data(contentsOf: Files.fixture("Weights/adamw8bit.json"))
    let fixture = try JSONDecoder().decode(Fixture.self, from: data)
    let initial = WeightFixture.floats(fixture.initial)
    let (rate, beta1, beta2) = (0.01, 0.9, 0.999)
    KernelsCheck.forEachInstructionSet { name in
      let parameter = Parameter(Tensor(initial))
      let first = EightBitTensor(zeros: initial.count, map: .signed)
      let second = EightBitTensor(zeros: initial.count, map: .unsigned)
      for (index, step) in fixture.steps.enumerated() {
        let label = "\(name), step \(index + 1)"
        let t = Double(index + 1)
        OptimizerKernels.adamW(
          parameter, gradient: Tensor(WeightFixture.floats(step.gradient)), first: first,
          second: second,
          OptimizerKernels.AdamW(
            gradientScale: 1, rate: rate, decay: 0.01, beta1: beta1, beta2: beta2,
            stepSize: rate / (1 - pow(beta1, t)),
            inverseRootCorrection2: 1 / (1 - pow(beta2, t)).squareRoot(), epsilon: 1e-8))
        expectClose(
          first.scales, WeightFixture.floats(step.absmax1).map(Double.init), relative: 1e-6, label)
        expectClose(
          second.scales, WeightFixture.floats(step.absmax2).map(Double.init), relative: 1e-6, label)
        // A last place more or less may fall on the other side of a point of the grid.
        for (ours, theirs) in [(first.codes, step.state1), (second.codes, step.state2)] {
          let differences = zip(ours, theirs).map { abs(Int($0) - Int($1)) }
          XCTAssertLessThanOrEqual(differences.max() ?? 0, 1, label)
          XCTAssertLessThanOrEqual(differences.reduce(0, +), 8, label)
        }
        let theirs = WeightFixture.floats(step.parameter).map(Double.init)
        let errors = zip(parameter.value.array, theirs).map { abs(Double($0) - $1) }
        XCTAssertLessThanOrEqual(errors.filter { $0 > 1e-6 }.count, 8, label)
        XCTAssertLessThanOrEqual(errors.max() ?? 0, 1e-3, label)
      }
      // Of the first step, as given elsewhere: [131, 196, 206, ...] and [7, 76, 127, ...].
      XCTAssertEqual(Array(fixture.steps[0].state1.prefix(6)), [131, 196, 206, 214, 217, 216])
      XCTAssertEqual(Array(fixture.steps[0].state2.prefix(6)), [7, 76, 127, 138, 145, 143])
    }
  }

  func testAdamWOfAnyLengthStaysNearTheFloatOne() {
    for n in [1, 255, 256, 257, 1000] {
      KernelsCheck.forEachInstructionSet { name in
        let start = KernelsCheck.values(n, seed: 32)
        let (exact, rounded) = (Parameter(Tensor(start)), Parameter(Tensor(start)))
        let first = Tensor(zeros: [n]), second = Tensor(zeros: [n])
        let first8 = EightBitTensor(zeros: n, map: .signed)
        let second8 = EightBitTensor(zeros: n, map: .unsigned)
        for step in 1...4 {
          let gradient = Tensor(
            KernelsCheck.values(n, seed: 40 + UInt64(step % 2), in: 0.5...1))
          let settings = OptimizerKernels.AdamW(
            gradientScale: 0.5, rate: 0.01, decay: 0.1, beta1: 0.9, beta2: 0.99,
            stepSize: 0.01 / (1 - pow(0.9, Double(step))),
            inverseRootCorrection2: 1 / (1 - pow(0.99, Double(step))).squareRoot(), epsilon: 1e-8)
          OptimizerKernels.adamW(
            exact, gradient: gradient, first: first, second: second, settings)
          OptimizerKernels.adamW(
            rounded, gradient: gradient, first: first8, second: second8, settings)
          // Moments have about 4 % of error at most, a step is 0.01.
          expectClose(
            rounded.value, exact.value, absolute: step == 1 ? 1e-6 : 0.01 * 0.06 * Double(step),
            "\(name), n = \(n), step \(step)")
        }
      }
    }
  }
}
