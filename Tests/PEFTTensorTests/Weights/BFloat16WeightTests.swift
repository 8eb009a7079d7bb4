import CPEFTKernels
import PEFTTensor
import PEFTTestSupport
import XCTest

final class BFloat16WeightTests: XCTestCase {
  private func rounded(_ tensor: Tensor) -> DoubleMatrix {
    DoubleMatrix(
      tensor.array.map { WeightCheck.bfloat16($0) }, rows: tensor.rows, columns: tensor.columns)
  }

  func testProductsInEverySizeAndSet() {
    for (index, size) in WeightCheck.sizes.enumerated() {
      let weight = WeightCheck.matrix(size.outputs, size.inputs, seed: 1)
      let x = WeightCheck.matrix(size.rows, size.inputs, seed: 2)
      let dy = WeightCheck.matrix(size.rows, size.outputs, seed: 3)
      let (w, a, b) = (rounded(weight), rounded(x), rounded(dy))
      let beta: Float = [0, 1, -0.5][index % 3]
      KernelsCheck.forEachInstructionSet { name in
        let label = "\(name), \(size), beta \(beta)"
        let packed = BFloat16Weight(weight)
        WeightCheck.checkProduct(a, w, beta: beta, label) { packed.multiply(x, to: $0, beta: beta) }
        WeightCheck.checkProduct(b, w.transposed, beta: beta, label + ", transposed") {
          packed.multiplyTransposed(dy, to: $0, beta: beta)
        }
      }
    }
  }

  func testDenseIsTheRoundedWeight() {
    for size in WeightCheck.sizes {
      let weight = WeightCheck.matrix(size.outputs, size.inputs, seed: 4)
      KernelsCheck.forEachInstructionSet { name in
        let dense = BFloat16Weight(weight).dense()
        XCTAssertEqual(dense.shape, weight.shape)
        XCTAssertEqual(DoubleMatrix(dense), rounded(weight), "\(name), \(size)")
      }
    }
  }

  func testDecodesEveryFormat() {
    // More rows than are decoded at a time.
    let (outputs, inputs) = (300, 8200)
    let values = KernelsCheck.values(outputs * inputs, seed: 5, in: -2...2)
    var expected = [Float](repeating: 0, count: values.count)
    var bytes = [UInt8](repeating: 0, count: 2 * values.count)
    peft_bfloat16_from_float(values, &bytes, values.count)
    peft_float_from_bfloat16(bytes, &expected, values.count)
    let source = Tensor(values, shape: [outputs, inputs])
    let fromFloats = BFloat16Weight(
      decoding: source.storage, as: .float32, outputs: outputs, inputs: inputs)
    XCTAssert(fromFloats.dense().array == expected)
    let halves = Storage(byteCount: bytes.count)
    halves.address.copyMemory(from: bytes, byteCount: bytes.count)
    let fromHalves = BFloat16Weight(
      decoding: halves, as: .bfloat16, outputs: outputs, inputs: inputs)
    XCTAssert(fromHalves.dense().array == expected)
  }

  func testARowDoesNotDependOnTheOthers() {
    let weight = BFloat16Weight(WeightCheck.matrix(70, 101, seed: 6))
    let x = WeightCheck.matrix(29, 101, seed: 7)
    KernelsCheck.forEachInstructionSet { name in
      let all = Tensor(zeros: [29, 70])
      weight.multiply(x, to: all, beta: 0)
      for row in [0, 11, 12, 28] {
        let alone = Tensor(zeros: [1, 70])
        let one = Tensor(storage: x.storage, offset: row * x.rowStride, shape: [1, 101])
        weight.multiply(one, to: alone, beta: 0)
        XCTAssertEqual(
          alone.array, Array(all.array[row * 70..<(row + 1) * 70]), "\(name), row \(row)")
      }
    }
  }

  func testSpecialValuesStayInTheirOutput() {
    var values = KernelsCheck.values(40 * 33, seed: 8, in: 0.5...1)
    values[3 * 33 + 32] = .infinity
    values[35 * 33 + 1] = .nan
    values[36 * 33 + 2] = -.infinity
    let x = Tensor(repeating: 0.25, shape: [13, 33])
    let dy = Tensor(repeating: 0.25, shape: [13, 40])
    KernelsCheck.forEachInstructionSet { name in
      let weight = BFloat16Weight(Tensor(values, shape: [40, 33]))
      XCTAssertEqual(weight.dense().array[3 * 33 + 32], .infinity)
      XCTAssert(weight.dense().array[35 * 33 + 1].isNaN)
      let y = Tensor(zeros: [13, 40]), dx = Tensor(zeros: [13, 33])
      weight.multiply(x, to: y, beta: 0)
      weight.multiplyTransposed(dy, to: dx, beta: 0)
      for (index, value) in y.array.enumerated() {
        switch index % 40 {
        case 3: XCTAssertEqual(value, .infinity, name)
        case 35: XCTAssert(value.isNaN, name)
        case 36: XCTAssertEqual(value, -.infinity, name)
        default: XCTAssert(value.isFinite, "\(name) \(index)")
        }
      }
      for (index, value) in dx.array.enumerated() {
        switch index % 33 {
        case 32: XCTAssertEqual(value, .infinity, name)
        case 1: XCTAssert(value.isNaN, name)
        case 2: XCTAssertEqual(value, -.infinity, name)
        default: XCTAssert(value.isFinite, "\(name) \(index)")
        }
      }
    }
  }

  func testSizeInMemory() {
    XCTAssertEqual(BFloat16Weight(Tensor(zeros: [64, 100])).byteCount, 64 * 100 * 2)
    XCTAssertEqual(BFloat16Weight(Tensor(zeros: [33, 7])).byteCount, 64 * 8 * 2)
  }

  func testRepeatedProductsTakeNoNewMemory() {
    WeightCheck.expectNoNewMemory(BFloat16Weight(WeightCheck.matrix(96, 64, seed: 10)))
  }
}
