import CPEFTKernels
import XCTest

final class KernelsMatrixTests: XCTestCase {
  /// Rows, the inner axis and columns, at and beside the heights of tiles and the widths of vectors.
  private let shapes = [
    (0, 3, 2), (1, 1, 1), (2, 5, 32), (5, 7, 3), (6, 16, 16), (11, 33, 17), (12, 8, 31),
    (13, 17, 8), (25, 40, 33), (31, 130, 9), (40, 3, 65),
  ]

  func testProduct() {
    for (rows, inner, columns) in shapes {
      for (aTransposed, bTransposed) in [
        (false, false), (true, false), (false, true), (true, true),
      ] {
        check(rows, inner, columns, aTransposed, bTransposed)
      }
    }
  }

  func testPackedFormsAreFilledWithZeros() {
    KernelsCheck.forEachInstructionSet { name in
      let panel = KernelsCheck.output(count: 3 * 32) {
        peft_matrix_panel([1, 2, 3], 1, 0, 3, 1, $0)
      }
      XCTAssertEqual(panel.filter { $0 != 0 }, [1, 2, 3], name)
    }
  }

  private func check(
    _ rows: Int, _ inner: Int, _ columns: Int, _ aTransposed: Bool, _ bTransposed: Bool,
    file: StaticString = #filePath, line: UInt = #line
  ) {
    let (aStride, bStride) = (
      (aTransposed ? rows : inner) + 3, (bTransposed ? inner : columns) + 1
    )
    let a = KernelsCheck.values((aTransposed ? inner : rows) * aStride, seed: 61)
    let b = KernelsCheck.values((bTransposed ? columns : inner) * bStride, seed: 62)
    let stride = columns + 2
    let start = KernelsCheck.values(rows * stride, seed: 63)
    let places = start.indices.filter { $0 % stride < columns }
    let sums = places.map { place -> Double in
      let (row, column) = place.quotientAndRemainder(dividingBy: stride)
      return (0..<inner).reduce(0) { sum, t in
        sum
          + Double(a[aTransposed ? t * aStride + row : row * aStride + t])
          * Double(b[bTransposed ? column * bStride + t : t * bStride + column])
      }
    }
    for (alpha, beta) in [(1, 0), (-2, 0.25)] as [(Float, Float)] {
      let expected = zip(places, sums).map { Double(alpha) * $1 + Double(beta) * Double(start[$0]) }
      KernelsCheck.forEachInstructionSet { name in
        // What a beta of 0 hides may be anything.
        let initial = beta == 0 ? start.map { _ in Float.nan } : start
        let c = KernelsCheck.output(initial, file: file, line: line) { c in
          for column in Swift.stride(from: 0, to: columns, by: 32) {
            var output = peft_matrix_output()
            (output.y, output.stride) = (c + column, stride)
            (output.columns, output.alpha, output.beta) = (min(32, columns - column), alpha, beta)
            multiply(
              a, aStride, aTransposed, rows, inner, b, bStride, bTransposed, column, to: &output)
          }
        }
        KernelsCheck.expect(
          places.map { c[$0] }, expected, ulps: 2 + Double(inner).squareRoot(),
          floor: 9 * Double(inner).squareRoot(),
          "\(name), \(rows) x \(inner) x \(columns), \(aTransposed), \(bTransposed), \(alpha)",
          file: file, line: line)
        for index in start.indices where index % stride >= columns && beta != 0 {
          XCTAssertEqual(c[index], start[index], "gap", file: file, line: line)
        }
      }
    }
  }

  /// The product with one panel, the inner axis in two blocks where it is long enough.
  private func multiply(
    _ a: [Float], _ aStride: Int, _ aTransposed: Bool, _ rows: Int, _ inner: Int, _ b: [Float],
    _ bStride: Int, _ bTransposed: Bool, _ column: Int, to output: inout peft_matrix_output
  ) {
    let blocks = inner < 4 ? [0..<inner] : [0..<(inner / 3), (inner / 3)..<inner]
    var sums = [Float](repeating: .nan, count: rows * 32)
    for (index, block) in blocks.enumerated() {
      var (packed, panel) = (
        [Float](repeating: .nan, count: rows * block.count),
        [Float](repeating: .nan, count: 32 * block.count)
      )
      a.withUnsafeBufferPointer {
        guard let a = $0.baseAddress else { return }
        peft_matrix_rows(
          a + block.lowerBound * (aTransposed ? aStride : 1), aStride, aTransposed ? 1 : 0, rows,
          block.count, &packed)
      }
      b.withUnsafeBufferPointer {
        guard let b = $0.baseAddress else { return }
        peft_matrix_panel(
          b
            + (bTransposed
              ? column * bStride + block.lowerBound : block.lowerBound * bStride + column),
          bStride, bTransposed ? 1 : 0, block.count, output.columns, &panel)
      }
      sums.withUnsafeMutableBufferPointer {
        output.sums = $0.baseAddress
        (output.is_first, output.is_last) = (index == 0 ? 1 : 0, index == blocks.count - 1 ? 1 : 0)
        peft_matrix_multiply(packed, rows, block.count, panel, &output)
      }
    }
  }
}
