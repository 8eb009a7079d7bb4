import CPEFTKernels
import Foundation
import XCTest

final class KernelsActivationsTests: XCTestCase {
  private typealias Forward =
    @convention(c) (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void
  private typealias Backward =
    @convention(c) (
      UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int
    ) -> Void

  private struct Activation {
    let name: String
    let forward: Forward
    let backward: Backward
    let ulps: Double
    let value: (Double) -> Double
    let slope: (Double) -> Double
  }

  private static func distribution(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }
  private static func density(_ x: Double) -> Double { exp(-x * x / 2) / (2 * .pi).squareRoot() }
  private static func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
  private static let root = (2 / Double.pi).squareRoot()
  private static func inner(_ x: Double) -> Double { root * (x + 0.044715 * x * x * x) }

  private let activations = [
    Activation(
      name: "gelu", forward: peft_gelu, backward: peft_gelu_backward, ulps: 7,
      value: { $0 * distribution($0) }, slope: { distribution($0) + $0 * density($0) }),
    // The rounding of the inner polynomial grows with it: 17 where the value is 2e-7.
    Activation(
      name: "gelu tanh", forward: peft_gelu_tanh, backward: peft_gelu_tanh_backward, ulps: 48,
      value: { $0 / 2 * (1 + tanh(inner($0))) },
      slope: { x in
        let t = tanh(inner(x))
        return (1 + t) / 2 + x / 2 * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x)
      }),
    Activation(
      name: "silu", forward: peft_silu, backward: peft_silu_backward, ulps: 3,
      value: { $0 * logistic($0) },
      slope: { logistic($0) * (1 + $0 * (1 - logistic($0))) }),
    Activation(
      name: "relu", forward: peft_relu, backward: peft_relu_backward, ulps: 0,
      value: { max($0, 0) }, slope: { $0 > 0 ? 1 : 0 }),
  ]

  func testValues() {
    for activation in activations {
      KernelsCheck.forEachLength { label, n in
        let x = KernelsCheck.values(n, seed: 11, in: -9...9)
        let y = KernelsCheck.output(count: n) { activation.forward(x, $0, n) }
        KernelsCheck.expect(
          y, x.map { activation.value(Double($0)) }, ulps: activation.ulps,
          "\(activation.name) \(label)")
        XCTAssertEqual(KernelsCheck.output(x) { activation.forward($0, $0, n) }, y)
      }
    }
  }

  func testSlopes() {
    for activation in activations {
      KernelsCheck.forEachLength { label, n in
        let x = KernelsCheck.values(n, seed: 12, in: -9...9)
        let dy = KernelsCheck.values(n, seed: 13)
        let dx = KernelsCheck.output(count: n) { activation.backward(x, dy, $0, n) }
        let expected = (0..<n).map { Double(dy[$0]) * activation.slope(Double(x[$0])) }
        // The slopes have zeros of their own, near which the error is that of their terms.
        KernelsCheck.expect(dx, expected, ulps: 10, floor: 1, "\(activation.name) \(label)")
        XCTAssertEqual(KernelsCheck.output(dy) { activation.backward(x, $0, $0, n) }, dx)
      }
    }
  }

  func testGELUNearZeroAndInTheTail() {
    KernelsCheck.forEachInstructionSet { label in
      for (limit, floor) in [
        (Float(1e-30), 1e-38), (1e-3, 1e-38), (1, 1e-38), (6, 1e-9), (20, 1e-7),
      ] {
        let x = KernelsCheck.values(5000, seed: 14, in: -limit...limit)
        let y = KernelsCheck.output(count: x.count) { peft_gelu(x, $0, x.count) }
        KernelsCheck.expect(
          y, x.map { Double($0) * Self.distribution(Double($0)) }, ulps: 7, floor: floor, label)
      }
    }
  }

  func testLargeValuesSaturate() {
    let x: [Float] = [100, 1e4, 1e30, -100, -1e4, -1e30, .nan]
    KernelsCheck.forEachInstructionSet { label in
      for activation in activations {
        let name = "\(activation.name) \(label)"
        let y = KernelsCheck.output(count: 7) { activation.forward(x, $0, 7) }
        XCTAssertEqual(Array(y[0..<3]), Array(x[0..<3]), name)
        KernelsCheck.expect(Array(y[3..<6]), [0, 0, 0], ulps: 1, name)
        XCTAssert(y[6].isNaN, name)
        let ones = [Float](repeating: 1, count: 6)
        let dx = KernelsCheck.output(count: 6) { activation.backward(x, ones, $0, 6) }
        KernelsCheck.expect(dx, [1, 1, 1, 0, 0, 0], ulps: 0.5, name)
      }
    }
  }

  func testTanh() {
    KernelsCheck.forEachLength { label, n in
      for limit: Float in [1e-20, 0.7, 3, 20] {
        let x = KernelsCheck.values(n, seed: 15, in: -limit...limit)
        let y = KernelsCheck.output(count: n) { peft_tanh(x, $0, n) }
        KernelsCheck.expect(y, x.map { tanh(Double($0)) }, ulps: 2, floor: 1e-38, label)
        let dy = KernelsCheck.values(n, seed: 16)
        let dx = KernelsCheck.output(dy) { peft_tanh_backward(y, $0, $0, n) }
        let expected = (0..<n).map { Double(dy[$0]) * (1 - Double(y[$0]) * Double(y[$0])) }
        KernelsCheck.expect(dx, expected, ulps: 2, floor: 1, label)
      }
    }
    KernelsCheck.forEachInstructionSet { label in
      let x: [Float] = [.infinity, -.infinity, .nan, 1e30, -0.0]
      let y = KernelsCheck.output(x) { peft_tanh($0, $0, 5) }
      KernelsCheck.expect(y, [1, -1, .nan, 1, 0], ulps: 0, label)
      XCTAssertEqual(y[4].sign, .minus, label)
    }
  }

  func testSwiGLU() {
    KernelsCheck.forEachLength { label, n in
      let gate = KernelsCheck.values(n, seed: 17, in: -20...20)
      let up = KernelsCheck.values(n, seed: 18), dy = KernelsCheck.values(n, seed: 19)
      let y = KernelsCheck.output(count: n) { peft_swiglu(gate, up, $0, n) }
      let silu = gate.map { Double($0) * Self.logistic(Double($0)) }
      KernelsCheck.expect(y, (0..<n).map { silu[$0] * Double(up[$0]) }, ulps: 4, label)

      var dup = [Float]()
      let dgate = KernelsCheck.output(count: n) { dgate in
        dup = KernelsCheck.output(count: n) { peft_swiglu_backward(gate, up, dy, dgate, $0, n) }
      }
      KernelsCheck.expect(dup, (0..<n).map { silu[$0] * Double(dy[$0]) }, ulps: 4, label)
      let expected = (0..<n).map { i in
        let x = Double(gate[i]), s = Self.logistic(x)
        return Double(dy[i]) * Double(up[i]) * s * (1 + x * (1 - s))
      }
      KernelsCheck.expect(dgate, expected, ulps: 10, floor: 1, label)
    }
  }
}
