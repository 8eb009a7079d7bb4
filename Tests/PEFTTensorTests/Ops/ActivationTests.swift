import Foundation
import PEFTTensor
import PEFTTestSupport
import XCTest

final class ActivationTests: XCTestCase {
  private let shapes = [[1], [7], [3, 5], [2, 1], [0, 3], [4, 33], []]

  func testEveryActivation() {
    for activation in Activation.allCases {
      for shape in shapes {
        var random = SeededRandom(UInt64(shape.count))
        checkOp([random.tensor(shape, in: -4...4)]) {
          $0[0].activated(activation)
        } reference: {
          $0[0].map { Self.reference(activation, $0) }
        }
      }
    }
  }

  func testFarFromZero() {
    let values: [Float] = [-1e30, -3e3, -100, -20, -0.0, 0, 1e-30, 20, 100, 3e3, 1e30]
    for activation in Activation.allCases {
      let parameter = Parameter(Tensor(values))
      let output = parameter.tensor.activated(activation)
      expectClose(
        output.array, values.map { Self.reference(activation, Double($0)) }, relative: 1e-6,
        absolute: 1e-6, "\(activation)")
      output.sum().backward()
      XCTAssertEqual(parameter.gradient?.isFinite, true, "\(activation)")
    }
  }

  func testNaNStaysNaN() {
    for activation in Activation.allCases {
      let output = Tensor([1, .nan, -1]).activated(activation).array
      XCTAssertEqual(output.map(\.isNaN), [false, true, false], "\(activation)")
    }
  }

  func testGatedActivation() {
    var random = SeededRandom(9)
    for shape in shapes {
      checkOp([random.tensor(shape, in: -4...4), random.tensor(shape)]) {
        .swiglu(gate: $0[0], up: $0[1])
      } reference: {
        zip($0[0], $0[1]).map { Self.reference(.silu, $0) * $1 }
      }
    }
  }

  func testArraysThatAreSharedByThreads() {
    var random = SeededRandom(10)
    let x = random.tensor([5, 8191], in: -3...3)
    for activation in Activation.allCases {
      let parameter = Parameter(x)
      let output = parameter.tensor.activated(activation)
      expectClose(
        output.array, x.array.map { Self.reference(activation, Double($0)) }, relative: 2e-6,
        absolute: 1e-6, "\(activation)")
      output.sum().backward()
      let rows = (0..<5).flatMap { row -> [Float] in
        let part = Parameter(x.leading(row..<row + 1))
        part.tensor.activated(activation).sum().backward()
        return part.gradient?.array ?? []
      }
      expectClose(
        parameter.gradient?.array ?? [], rows.map(Double.init), relative: 1e-6, absolute: 1e-7)
    }
  }

  private static func reference(_ activation: Activation, _ x: Double) -> Double {
    switch activation {
    case .gelu: x * 0.5 * erfc(-x / Double(2).squareRoot())
    case .geluTanh:
      0.5 * x * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .silu: x / (1 + exp(-x))
    case .relu: max(x, 0)
    case .tanh: Foundation.tanh(x)
    }
  }
}
