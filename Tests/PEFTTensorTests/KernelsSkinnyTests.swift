import CPEFTKernels
import Foundation
import XCTest

final class KernelsSkinnyTests: XCTestCase {
  /// Rows, inner and columns: each side short in turn, at and beside vector widths and blocks.
  private let shapes = [
    (0, 3, 2), (3, 0, 4), (2, 3, 0), (1, 1, 1), (5, 7, 3), (9, 4, 33), (13, 64, 8), (8, 130, 49),
    (4, 257, 16), (17, 2, 600), (70, 33, 5), (3, 1100, 70), (12, 300, 31),
  ]

  func testProduct() {
    for (rows, inner, columns) in shapes {
      for isTransposed in [false, true] {
        let aStride = (isTransposed ? rows : inner) + 3
        let a = KernelsCheck.values((isTransposed ? inner : rows) * aStride, seed: 71)
        let b = KernelsCheck.values(inner * (columns + 1), seed: 72)
        check(rows, inner, columns) { c, stride, alpha, beta in
          peft_skinny_product(
            a, aStride, isTransposed ? 1 : 0, b, columns + 1, c, stride, rows, inner, columns,
            alpha, beta)
        } reference: { row, t, column in
          (a[isTransposed ? t * aStride + row : row * aStride + t], b[t * (columns + 1) + column])
        }
      }
    }
  }

  func testPreciseProduct() {
    for (rows, inner, columns) in shapes {
      for (aTransposed, bTransposed) in [(false, false), (true, false), (false, true)] {
        let aStride = (aTransposed ? rows : inner) + 3
        let bStride = (bTransposed ? inner : columns) + 1
        let a = KernelsCheck.values((aTransposed ? inner : rows) * aStride, seed: 79)
        let b = KernelsCheck.values((bTransposed ? columns : inner) * bStride, seed: 80)
        check(rows, inner, columns, isRoundedOnce: true) { c, stride, alpha, beta in
          var widened = [Double](repeating: 0, count: peft_precise_scratch(inner, columns))
          peft_precise_operand(b, bStride, bTransposed ? 1 : 0, inner, columns, &widened)
          peft_precise_product(
            a, aStride, aTransposed ? 1 : 0, widened, c, stride, rows, inner, columns, alpha, beta)
        } reference: { row, t, column in
          (
            a[aTransposed ? t * aStride + row : row * aStride + t],
            b[bTransposed ? column * bStride + t : t * bStride + column]
          )
        }
      }
    }
  }

  func testDots() {
    for (rows, inner, columns) in shapes {
      let a = KernelsCheck.values(rows * (inner + 3), seed: 73)
      let b = KernelsCheck.values(columns * (inner + 1), seed: 74)
      check(rows, inner, columns) { c, stride, alpha, beta in
        peft_skinny_dots(
          a, inner + 3, b, inner + 1, c, stride, rows, inner, columns, alpha, beta)
      } reference: { row, t, column in
        (a[row * (inner + 3) + t], b[column * (inner + 1) + t])
      }
    }
  }

  func testDotsOverSeveralBlocks() {
    let (rows, inner, columns) = (3, 5000, 9)
    let a = KernelsCheck.values(rows * inner, seed: 75),
      b = KernelsCheck.values(columns * inner, seed: 76)
    check(rows, inner, columns) { c, stride, alpha, beta in
      peft_skinny_dots(a, inner, b, inner, c, stride, rows, inner, columns, alpha, beta)
    } reference: { row, t, column in
      (a[row * inner + t], b[column * inner + t])
    }
  }

  func testTranspose() {
    for (rows, columns) in [(0, 3), (3, 0), (1, 1), (5, 7), (16, 16), (17, 33), (40, 3), (3, 100)] {
      let x = KernelsCheck.values(rows * (columns + 2), seed: 77)
      check(columns, 1, rows) { y, stride, alpha, beta in
        peft_transpose(x, columns + 2, rows, columns, alpha, beta, y, stride)
      } reference: { row, _, column in
        (x[column * (columns + 2) + row], 1)
      }
    }
  }

  /// Compares `alpha * sum + beta * C` with Double for several factors and every instruction set.
  private func check(
    _ rows: Int, _ inner: Int, _ columns: Int, isRoundedOnce: Bool = false,
    file: StaticString = #filePath, line: UInt = #line,
    _ body: (UnsafeMutablePointer<Float>, _ stride: Int, _ alpha: Float, _ beta: Float) -> Void,
    reference: (_ row: Int, _ t: Int, _ column: Int) -> (Float, Float)
  ) {
    let stride = columns + 2
    var sums = [Double](repeating: 0, count: rows * stride)
    for row in 0..<rows {
      for column in 0..<columns {
        for t in 0..<inner {
          let (a, b) = reference(row, t, column)
          sums[row * stride + column] += Double(a) * Double(b)
        }
      }
    }
    let start = KernelsCheck.values(rows * stride, seed: 78)
    let places = start.indices.filter { $0 % stride < columns }
    for (alpha, beta) in [(1, 0), (0.5, 1), (-2, 0.25)] as [(Float, Float)] {
      let expected = places.map { Double(alpha) * sums[$0] + Double(beta) * Double(start[$0]) }
      KernelsCheck.forEachInstructionSet { name in
        // What a beta of 0 hides may be anything.
        let initial = beta == 0 ? start.map { _ in Float.nan } : start
        let c = KernelsCheck.output(initial, file: file, line: line) {
          body($0, stride, alpha, beta)
        }
        KernelsCheck.expect(
          places.map { c[$0] }, expected,
          ulps: isRoundedOnce ? 0.51 : 2 + Double(inner).squareRoot(),
          floor: isRoundedOnce ? 1e-6 : 9 * max(1, Double(inner).squareRoot()),
          "\(name), \(rows) x \(inner) x \(columns), \(alpha), \(beta)", file: file, line: line)
        if beta != 0 {
          for index in start.indices where index % stride >= columns {
            XCTAssertEqual(c[index], start[index], "gap", file: file, line: line)
          }
        }
      }
    }
  }
}
