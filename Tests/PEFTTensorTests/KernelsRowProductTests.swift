import CPEFTKernels
import XCTest

final class KernelsRowProductTests: XCTestCase {
  /// The inner axis and columns, at and beside vector widths and the rows that are read side by side.
  private let shapes = [
    (0, 3), (3, 0), (1, 1), (7, 5), (8, 16), (9, 17), (16, 8), (33, 31), (130, 65), (300, 9),
  ]

  func testProduct() {
    for (inner, columns) in shapes {
      let stride = columns + 3
      let b = KernelsCheck.values(inner * stride, seed: 51)
      check(inner, columns, b) { t, column in
        t * stride + column
      } _: { x, alpha, beta, y in
        peft_row_product(x, b, stride, inner, columns, alpha, beta, y)
      }
    }
  }

  func testDots() {
    for (inner, columns) in shapes {
      let stride = inner + 1
      let b = KernelsCheck.values(columns * stride, seed: 52)
      check(inner, columns, b) { t, column in
        column * stride + t
      } _: { x, alpha, beta, y in
        peft_row_dots(x, b, stride, inner, columns, alpha, beta, y)
      }
    }
  }

  private func check(
    _ inner: Int, _ columns: Int, _ b: [Float], file: StaticString = #filePath, line: UInt = #line,
    place: (_ t: Int, _ column: Int) -> Int,
    _ body: ([Float], _ alpha: Float, _ beta: Float, UnsafeMutablePointer<Float>) -> Void
  ) {
    let x = KernelsCheck.values(inner, seed: 53)
    let start = KernelsCheck.values(columns, seed: 54)
    for (alpha, beta) in [(1, 0), (0.5, 1), (-2, 0.25)] as [(Float, Float)] {
      let expected = (0..<columns).map { column in
        let sum = (0..<inner).reduce(0.0) { $0 + Double(x[$1]) * Double(b[place($1, column)]) }
        return Double(alpha) * sum + Double(beta) * Double(start[column])
      }
      KernelsCheck.forEachInstructionSet { name in
        // What a beta of 0 hides may be anything.
        let initial = beta == 0 ? start.map { _ in Float.nan } : start
        let y = KernelsCheck.output(initial, file: file, line: line) { body(x, alpha, beta, $0) }
        KernelsCheck.expect(
          y, expected, ulps: 2 + Double(inner).squareRoot(),
          floor: 9 * max(1, Double(inner).squareRoot()),
          "\(name), \(inner) x \(columns), \(alpha), \(beta)", file: file, line: line)
      }
    }
  }
}
