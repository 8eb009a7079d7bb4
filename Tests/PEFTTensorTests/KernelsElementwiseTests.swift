import CPEFTKernels
import Foundation
import XCTest

final class KernelsElementwiseTests: XCTestCase {
  private typealias Binary =
    @convention(c) (
      UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int
    ) -> Void

  func testInstructionSetsAreChosenByName() {
    let original = String(cString: peft_instruction_set())
    KernelsCheck.forEachInstructionSet { name in
      XCTAssertEqual(String(cString: peft_instruction_set()), name)
      XCTAssertEqual(peft_use_instruction_set("none such"), 0)
      XCTAssertEqual(String(cString: peft_instruction_set()), name)
    }
    XCTAssertEqual(String(cString: peft_instruction_set()), original)
  }

  func testBinaryOperationsRoundOnce() {
    let cases: [(String, Binary, (Double, Double) -> Double)] = [
      ("add", peft_add, { $0 + $1 }), ("subtract", peft_subtract, { $0 - $1 }),
      ("multiply", peft_multiply, { $0 * $1 }), ("divide", peft_divide, { $0 / $1 }),
    ]
    KernelsCheck.forEachLength { label, n in
      let a = KernelsCheck.values(n, seed: 1), b = KernelsCheck.values(n, seed: 2, in: 0.1...4)
      for (name, kernel, reference) in cases {
        let expected = zip(a, b).map { Float(reference(Double($0), Double($1))) }
        XCTAssertEqual(
          KernelsCheck.output(count: n) { kernel(a, b, $0, n) }, expected, "\(name) \(label)")
        XCTAssertEqual(
          KernelsCheck.output(a) { kernel($0, b, $0, n) }, expected, "\(name) in place \(label)")
        XCTAssertEqual(
          KernelsCheck.output(b) { kernel(a, $0, $0, n) }, expected, "\(name) in place \(label)")
      }
    }
  }

  func testScaledSums() {
    KernelsCheck.forEachLength { label, n in
      let a = KernelsCheck.values(n, seed: 3)
      let y = KernelsCheck.values(n, seed: 5)
      let affine = KernelsCheck.output(count: n) { peft_affine(a, 1.7, -0.3, $0, n) }
      KernelsCheck.expect(
        affine, a.map { Double(Float(1.7)) * Double($0) + Double(Float(-0.3)) }, ulps: 1.5,
        floor: 1, label)
      let scaled = KernelsCheck.output(y) { peft_add_scaled(a, -2.3, $0, n) }
      KernelsCheck.expect(
        scaled, (0..<n).map { Double(y[$0]) + Double(Float(-2.3)) * Double(a[$0]) }, ulps: 1.5,
        floor: 4, label)
    }
  }

  func testSquareRootRoundsCorrectly() {
    KernelsCheck.forEachLength { label, n in
      let x = KernelsCheck.values(n, seed: 6, in: 0...1000)
      let y = KernelsCheck.output(count: n) { peft_square_root(x, $0, n) }
      XCTAssertEqual(y, x.map { $0.squareRoot() }, label)
    }
  }

  func testExponentialOverTheWholeRange() {
    KernelsCheck.forEachLength { label, n in
      let x = KernelsCheck.values(n, seed: 7, in: -110...95)
      let y = KernelsCheck.output(count: n) { peft_exponential(x, $0, n) }
      KernelsCheck.expect(y, x.map { exp(Double($0)) }, ulps: 1, floor: 1e-45, label)
    }
    KernelsCheck.forEachInstructionSet { label in
      let x = (0..<200_000).map { Float(-104) + Float($0) * 0.000965 }
      let y = KernelsCheck.output(x) { peft_exponential($0, $0, x.count) }
      KernelsCheck.expect(y, x.map { exp(Double($0)) }, ulps: 1, floor: 1e-45, label)
    }
  }

  func testExponentialOfExtremes() {
    let x: [Float] = [
      .infinity, -.infinity, .nan, 0, -0.0, 89, 88.72283, -104, -1e30, 1e30, .leastNonzeroMagnitude,
    ]
    KernelsCheck.forEachInstructionSet { label in
      let y = KernelsCheck.output(count: x.count) { peft_exponential(x, $0, x.count) }
      KernelsCheck.expect(y, x.map { exp(Double($0)) }, ulps: 1, floor: 1e-45, label)
      XCTAssertEqual(y[3], 1, label)
      XCTAssert(y[2].isNaN, label)
    }
  }

  func testElementsDoNotDependOnTheirPosition() {
    let n = 77
    let x = KernelsCheck.values(n, seed: 8, in: -6...6)
    let kernels = [
      peft_exponential, peft_gelu, peft_gelu_tanh, peft_silu, peft_tanh, peft_relu,
    ]
    KernelsCheck.forEachInstructionSet { label in
      for (index, kernel) in kernels.enumerated() {
        let whole = KernelsCheck.output(count: n) { kernel(x, $0, n) }
        for position in 0..<n {
          let one = KernelsCheck.output([x[position]]) { kernel($0, $0, 1) }
          XCTAssertEqual(one[0].bitPattern, whole[position].bitPattern, "\(index) \(label)")
        }
      }
    }
  }
}
