import CPEFTKernels
import XCTest

final class KernelsSparseTests: XCTestCase {
  private let offsets: [Int32] = [0, 3, 3, 4, 8]
  private let indices: [Int32] = [0, 2, 4, 1, 0, 1, 2, 3]
  private let scale: Float = 0.7

  func testProductAgreesWithDouble() {
    let values = KernelsCheck.values(8, seed: 61)
    KernelsCheck.forEachLength { label, width in
      let x = KernelsCheck.values(5 * width, seed: 62)
      let y = KernelsCheck.output(count: 4 * width) {
        peft_sparse_product(offsets, indices, values, scale, 4, x, $0, width)
      }
      var expected = [Double](repeating: 0, count: 4 * width)
      forEachElement { row, k in
        for i in 0..<width {
          let product = Double(values[k]) * Double(x[Int(indices[k]) * width + i])
          expected[row * width + i] += Double(scale) * product
        }
      }
      KernelsCheck.expect(y, expected, ulps: 8, floor: 3, label)
    }
  }

  func testGradientAddsToWhatIsThere() {
    let before = KernelsCheck.values(8, seed: 63)
    KernelsCheck.forEachLength { label, width in
      let x = KernelsCheck.values(5 * width, seed: 64)
      let dy = KernelsCheck.values(4 * width, seed: 65)
      let sum = KernelsCheck.output(before) {
        peft_sparse_gradient(offsets, indices, scale, 4, x, dy, width, $0)
      }
      var expected = before.map(Double.init)
      forEachElement { row, k in
        for i in 0..<width {
          let product = Double(dy[row * width + i]) * Double(x[Int(indices[k]) * width + i])
          expected[k] += Double(scale) * product
        }
      }
      KernelsCheck.expect(sum, expected, ulps: 32, floor: 30, label)
    }
  }

  private func forEachElement(_ body: (_ row: Int, _ element: Int) -> Void) {
    for row in 0..<4 { for k in Int(offsets[row])..<Int(offsets[row + 1]) { body(row, k) } }
  }
}
