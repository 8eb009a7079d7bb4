import PEFTTensor
import PEFTTestSupport
import XCTest

/// What the tests of weight storages share: operands with a row stride and products in Double.
enum WeightCheck {
  /// Rows, outputs and inputs around the sizes of tiles, panels and blocks.
  static let sizes: [(rows: Int, outputs: Int, inputs: Int)] = {
    var sizes = [(rows: Int, outputs: Int, inputs: Int)]()
    for outputs in [1, 31, 32, 33, 100] {
      for inputs in [1, 2, 7, 31, 63, 64, 65, 130] { sizes.append((5, outputs, inputs)) }
    }
    for rows in [0, 1, 2, 3, 4, 6, 11, 12, 13, 25, 64] { sizes.append((rows, 45, 37)) }
    // More than one block of rows, and of outputs in the transposed product.
    return sizes + [(780, 40, 9), (3, 6153, 34), (2, 3, 768)]
  }()

  /// Seeded numbers in a matrix whose rows lie further apart than its columns need.
  static func matrix(_ rows: Int, _ columns: Int, seed: UInt64) -> Tensor {
    let margin = 3
    let whole = Tensor(
      KernelsCheck.values(rows * (columns + margin), seed: seed, in: -1...1),
      shape: [rows, columns + margin])
    return Tensor(
      storage: whole.storage, offset: 0, shape: [rows, columns], rowStride: columns + margin)
  }

  static func bfloat16(_ x: Float) -> Double {
    guard x.isFinite else { return Double(x) }
    let bits = x.bitPattern
    return Double(Float(bitPattern: (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff_0000))
  }

  /// Runs a product into a target inside a larger matrix and compares it with a b^T + beta c.
  ///
  /// Every element may be off by the rounding of float32 sums of as many terms.
  static func checkProduct(
    _ a: DoubleMatrix, _ b: DoubleMatrix, beta: Float, _ label: String, seed: UInt64 = 9,
    file: StaticString = #filePath, line: UInt = #line, _ body: (Tensor) -> Void
  ) {
    let (rows, columns, inner) = (a.rows, b.rows, a.columns)
    let stride = columns + 5
    var initial = KernelsCheck.values(rows * stride, seed: seed, in: -1...1)
    if beta == 0 {
      // What is not read may be anything.
      for row in 0..<rows {
        for column in 0..<columns { initial[row * stride + column] = .nan }
      }
    }
    let whole = Tensor(initial, shape: [rows * stride])
    body(Tensor(storage: whole.storage, offset: 0, shape: [rows, columns], rowStride: stride))
    let result = whole.array
    var worst = (excess: 0.0, text: "")
    for row in 0..<rows {
      for column in 0..<stride {
        let index = row * stride + column
        if column >= columns {
          if result[index] != initial[index] {
            return XCTFail("\(label): written outside", file: file, line: line)
          }
          continue
        }
        var sum = beta == 0 ? 0 : Double(beta) * Double(initial[index])
        var size = abs(sum)
        for k in 0..<inner {
          let term = a.values[row * inner + k] * b.values[column * inner + k]
          sum += term
          size += abs(term)
        }
        let tolerance = size * Double(inner + 1).squareRoot() * 0x1p-22
        let error = abs(Double(result[index]) - sum)
        let excess = error == 0 ? 0 : error / tolerance
        if !(excess <= max(1, worst.excess)) {
          worst = (excess, "[\(row), \(column)] is \(result[index]), expected \(sum)")
        }
      }
    }
    if !worst.text.isEmpty { XCTFail("\(label): \(worst.text)", file: file, line: line) }
  }
}

extension WeightCheck {
  /// Fails where repeated products with a weight `[96, 64]` take a block that the pool does not have.
  static func expectNoNewMemory(
    _ weight: some WeightStorage, file: StaticString = #filePath, line: UInt = #line
  ) {
    let x = Tensor(zeros: [30, 64]), y = Tensor(zeros: [30, 96])
    weight.multiply(x, to: y, beta: 0)
    weight.multiplyTransposed(y, to: x, beta: 0)
    let misses = Pool.shared.statistics.misses
    for _ in 0..<3 {
      weight.multiply(x, to: y, beta: 0)
      weight.multiplyTransposed(y, to: x, beta: 0)
    }
    XCTAssertEqual(Pool.shared.statistics.misses, misses, file: file, line: line)
  }
}
