import CPEFTKernels
import Foundation
import XCTest

final class KernelsOptimisersTests: XCTestCase {
  func testAdamWFollowsItsFormula() {
    let rate = 0.01, decay = 0.1, beta1 = 0.9, beta2 = 0.99, epsilon = 1e-8, scale = 0.5
    KernelsCheck.forEachLength { label, n in
      var w = KernelsCheck.values(n, seed: 91), m = [Float](repeating: 0, count: n), v = m
      var expected = w.map(Double.init), mean = m.map(Double.init), square = mean
      for step in 1...5 {
        let g = KernelsCheck.values(n, seed: 91 + UInt64(step))
        let correction1 = 1 - pow(beta1, Double(step)), correction2 = 1 - pow(beta2, Double(step))
        w = KernelsCheck.output(w) { w in
          m = KernelsCheck.output(m) { m in
            v = KernelsCheck.output(v) { v in
              peft_adamw(
                w, g, m, v, n, Float(scale), rate, decay, beta1, beta2, rate / correction1,
                1 / correction2.squareRoot(), epsilon)
            }
          }
        }
        for i in 0..<n {
          let gradient = Double(g[i]) * scale
          mean[i] = beta1 * mean[i] + (1 - beta1) * gradient
          square[i] = beta2 * square[i] + (1 - beta2) * gradient * gradient
          let denominator = square[i].squareRoot() / correction2.squareRoot() + epsilon
          expected[i] *= 1 - rate * decay
          expected[i] -= rate / correction1 * mean[i] / denominator
        }
      }
      KernelsCheck.expect(w, expected, ulps: 8, floor: 1, label)
      KernelsCheck.expect(m, mean, ulps: 8, floor: 1, label)
      KernelsCheck.expect(v, square, ulps: 8, floor: 1e-4, label)
    }
  }

  func testAdamWWithFirstMomentFromTheGradientSide() {
    KernelsCheck.forEachInstructionSet { label in
      var m: [Float] = [2, -1], v: [Float] = [1, 1]
      let w = KernelsCheck.output([1, 1]) {
        peft_adamw($0, [4, 3], &m, &v, 2, 1, 0.1, 0, 0.25, 0.5, 0.1, 1, 0)
      }
      XCTAssertEqual(m, [3.5, 2], label)
      XCTAssertEqual(v, [8.5, 5], label)
      KernelsCheck.expect(
        w, [1 - 0.1 * 3.5 / 8.5.squareRoot(), 1 - 0.1 * 2 / 5.0.squareRoot()], ulps: 2, label)
    }
  }

  func testSGD() {
    let rate = 0.05, decay = 0.02, scale = 0.5
    for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
      KernelsCheck.forEachLength { label, n in
        var w = KernelsCheck.values(n, seed: 101)
        var velocity = [Float](repeating: .nan, count: n)
        var expected = w.map(Double.init), speed = [Double](repeating: 0, count: n)
        for step in 0..<4 {
          let g = KernelsCheck.values(n, seed: 102 + UInt64(step))
          w = KernelsCheck.output(w) { w in
            velocity = KernelsCheck.output(velocity) { velocity in
              peft_sgd(
                w, g, momentum == 0 ? nil : velocity, n, Float(scale), Float(rate), Float(decay),
                Float(momentum), step == 0 ? 1 : 0, nesterov ? 1 : 0)
            }
          }
          for i in 0..<n {
            let gradient = Double(g[i]) * scale + decay * expected[i]
            speed[i] = step == 0 ? gradient : momentum * speed[i] + gradient
            expected[i] -= rate * (nesterov ? gradient + momentum * speed[i] : speed[i])
          }
        }
        KernelsCheck.expect(w, expected, ulps: 8, floor: 2, "\(label) momentum \(momentum)")
      }
    }
  }
}
