import PEFTTensor
import PEFTTestSupport
import XCTest

final class ScreenedMatrixTests: XCTestCase {
  /// The first row with the largest product, of the product with the whole matrix.
  private func expected(_ matrix: Tensor, _ x: Tensor) -> Int {
    let products = x.reshaped([1, x.count]).linear(weight: matrix).array
    return products.indices.max { (products[$0], $1) < (products[$1], $0) } ?? 0
  }

  /// Compares with the whole product; gives how many rows were examined, or all where it was given up.
  @discardableResult
  private func check(
    _ matrix: Tensor, _ x: Tensor, _ label: String, file: StaticString = #filePath,
    line: UInt = #line
  ) -> Int {
    var most = 0
    KernelsCheck.forEachInstructionSet { name in
      let label = "\(label), \(name)"
      guard let screen = ScreenedMatrix(matrix) else {
        return XCTFail("\(label): no screen", file: file, line: line)
      }
      guard let found = screen.largestProduct(with: x) else { return most = matrix.rows }
      XCTAssertEqual(found.row, expected(matrix, x), label, file: file, line: line)
      most = max(most, found.examined)
    }
    return most
  }

  func testRandomMatricesOfManySizes() {
    var random = SeededRandom(61)
    for columns in [1, 3, 16, 63, 64, 65, 130, 768] {
      for rows in [1, 2, 3, 4, 5, 17, 300] {
        let matrix = random.tensor([rows, columns])
        check(matrix, random.tensor([columns]), "\(rows) x \(columns)")
      }
    }
  }

  func testRowsOfAMatrixInALargerOne() {
    let matrix = WeightCheck.matrix(200, 70, seed: 62)
    check(matrix, SeededRandom.normal([70], seed: 63), "with a stride")
  }

  func testFewRowsAreExamined() {
    let matrix = SeededRandom.normal([4000, 256], seed: 64)
    for seed in UInt64(0)..<10 {
      let examined = check(matrix, SeededRandom.normal([256], seed: 70 + seed), "seed \(seed)")
      XCTAssertLessThanOrEqual(examined, 40)
    }
  }

  func testInputsOfVeryDifferentSize() {
    // A few inputs far larger than the others, in matrix and vector, as in trained models.
    var random = SeededRandom(65)
    for seed in UInt64(0)..<6 {
      var (w, x) = (
        SeededRandom.normal([1000, 128], seed: seed).array,
        SeededRandom.normal([128], seed: 80 + seed).array
      )
      for place in [5, 77] {
        let factor = Float.random(in: 10...100, using: &random)
        x[place] *= factor
        for row in 0..<1000 { w[row * 128 + place] = 3 + w[row * 128 + place] * 0.1 }
      }
      check(Tensor(w, shape: [1000, 128]), Tensor(x), "seed \(seed)")
    }
  }

  func testNearTiesAndEqualRows() {
    let x = SeededRandom.normal([96], seed: 66)
    let best = x.array.map { $0 * 2 }
    for seed in UInt64(0)..<8 {
      var random = SeededRandom(90 + seed)
      var rows = SeededRandom.normal([600, 96], seed: 100 + seed).array
      // Copies of the best row that differ by some last places of some element, or not at all.
      for row in [3, 4, 100, 301, 302, 599] {
        var copy = best
        for _ in 0..<Int.random(in: 0...3, using: &random) {
          let place = Int.random(in: 0..<96, using: &random)
          copy[place] = Bool.random(using: &random) ? copy[place].nextUp : copy[place].nextDown
        }
        rows.replaceSubrange(row * 96..<(row + 1) * 96, with: copy)
      }
      let examined = check(Tensor(rows, shape: [600, 96]), x, "seed \(seed)")
      XCTAssertGreaterThanOrEqual(examined, 6)
      XCTAssertLessThanOrEqual(examined, 75)
    }
  }

  func testEqualRowsEverywhereAreLeftToTheWholeProduct() throws {
    let matrix = Tensor(repeating: 0.5, shape: [64, 64])
    let screen = try XCTUnwrap(ScreenedMatrix(matrix))
    XCTAssertNil(screen.largestProduct(with: Tensor(repeating: 1, shape: [64])))
    XCTAssertNil(
      try XCTUnwrap(ScreenedMatrix(Tensor(zeros: [64, 64]))).largestProduct(
        with: Tensor(repeating: 1, shape: [64])))
  }

  func testHugeAndTinyRows() {
    // Each row has a size of its own, over the whole range of float32.
    for seed in UInt64(0)..<6 {
      var random = SeededRandom(110 + seed)
      var rows = SeededRandom.normal([400, 64], seed: 120 + seed).array
      for row in 0..<400 {
        let scale = Float(
          sign: .plus, exponent: Int.random(in: -148...110, using: &random), significand: 1)
        for column in 0..<64 { rows[row * 64 + column] *= row % 7 == 0 ? 0 : scale }
      }
      let matrix = Tensor(rows, shape: [400, 64])
      for exponent in [0, -100, -140, 10] {
        let x = SeededRandom.normal([64], seed: 130 + seed).array.map {
          $0 * Float(sign: .plus, exponent: exponent, significand: 1)
        }
        check(matrix, Tensor(x), "seed \(seed), exponent \(exponent)")
      }
      // All products negative, and all of them near nothing.
      check(
        Tensor(rows.map { -abs($0) }, shape: [400, 64]), Tensor(repeating: 1, shape: [64]),
        "negative")
      check(
        Tensor(rows.map { $0 * 1e-30 }, shape: [400, 64]), Tensor(repeating: 1e-30, shape: [64]),
        "nothing")
    }
  }

  func testWhatIsNotFiniteIsLeftToTheWholeProduct() throws {
    for bad in [Float.nan, .infinity, -.infinity] {
      for place in [0, 63, 64, 129, 1299] {
        var values = SeededRandom.normal([10, 130], seed: 67).array
        values[place] = bad
        XCTAssertNil(ScreenedMatrix(Tensor(values, shape: [10, 130])), "\(bad) at \(place)")
      }
      let screen = try XCTUnwrap(ScreenedMatrix(SeededRandom.normal([10, 130], seed: 68)))
      var x = SeededRandom.normal([130], seed: 69).array
      x[129] = bad
      XCTAssertNil(screen.largestProduct(with: Tensor(x)), "\(bad)")
    }
    // Products beyond the range of float32.
    let large = try XCTUnwrap(ScreenedMatrix(Tensor(repeating: 1e20, shape: [3, 64])))
    XCTAssertNil(large.largestProduct(with: Tensor(repeating: 1e19, shape: [64])))
    XCTAssertNil(large.largestProduct(with: Tensor(repeating: 3e38, shape: [64])))
    XCTAssertNil(ScreenedMatrix(Tensor(zeros: [0, 64])))
    XCTAssertNil(ScreenedMatrix(Tensor(zeros: [64, 0])))
  }

  func testSizeInMemory() throws {
    let screen = try XCTUnwrap(ScreenedMatrix(Tensor(zeros: [10, 130])))
    XCTAssertEqual(screen.byteCount, 10 * (3 * 68 + 4))
  }
}

extension SeededRandom {
  /// Normally distributed numbers.
  fileprivate static func normal(_ shape: [Int], seed: UInt64) -> Tensor {
    var generator = Generator(seed: seed)
    return Tensor(normal: 1, shape: shape, using: &generator)
  }
}
