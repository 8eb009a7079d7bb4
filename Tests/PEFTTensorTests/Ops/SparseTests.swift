import PEFTTensor
import PEFTTestSupport
import XCTest

final class SparseTests: XCTestCase {
  /// A pattern of about a share of all places, with an empty row and column where there are several.
  private func pattern(_ rows: Int, _ columns: Int, share: Float = 0.3) throws -> SparsePattern {
    var random = SeededRandom(9)
    var places: [(Int32, Int32)] = []
    for row in 0..<rows where rows == 1 || row != 1 {
      for column in 0..<columns where columns == 1 || column != 0 {
        if Float.random(in: 0..<1, using: &random) < share {
          places.append((Int32(row), Int32(column)))
        }
      }
    }
    return try XCTUnwrap(
      SparsePattern(
        rows: rows, columns: columns, rowIndices: places.map(\.0), columnIndices: places.map(\.1)))
  }

  func testAgreesWithTheDenseProduct() throws {
    for (leading, outputs, inputs, share) in [
      ([3], 5, 7, 0.4 as Float), ([2, 3], 8, 4, 0.5), ([1], 1, 1, 1), ([70], 6, 9, 0.3),
      ([0], 3, 2, 1), ([4], 3, 2, 0), ([133], 20, 33, 0.2),
    ] {
      let pattern = try pattern(outputs, inputs, share: share)
      var random = SeededRandom(3)
      let values = random.tensor([pattern.count])
      let tokens = leading.reduce(1, *)
      checkOp(
        [random.tensor(leading + [outputs]), random.tensor(leading + [inputs]), values],
        length: max(inputs, outputs, tokens)
      ) {
        $0[0].adding(pattern, values: $0[2], of: $0[1], scale: 0.6)
      } reference: { elements in
        var result = elements[0]
        for (k, (row, column)) in zip(pattern.rowIndices, pattern.columnIndices).enumerated() {
          for token in 0..<tokens {
            result[token * outputs + Int(row)] +=
              0.6 * elements[2][k] * elements[1][token * inputs + Int(column)]
          }
        }
        return result
      }
    }
  }

  func testPatternIsReadBothWays() throws {
    let pattern = try pattern(6, 5)
    let values = (0..<pattern.count).map { Float($0 + 1) }
    let dense = pattern.dense(Tensor(values)).array
    XCTAssertEqual(dense.filter { $0 != 0 }, values)
    for (k, (row, column)) in zip(pattern.rowIndices, pattern.columnIndices).enumerated() {
      XCTAssertEqual(dense[Int(row) * 5 + Int(column)], values[k])
    }
  }

  func testPlacesMustAscend() {
    func make(_ rows: [Int32], _ columns: [Int32]) -> SparsePattern? {
      SparsePattern(rows: 2, columns: 3, rowIndices: rows, columnIndices: columns)
    }
    XCTAssertNotNil(make([0, 0, 1], [0, 2, 1]))
    XCTAssertNil(make([0, 0], [2, 1]))
    XCTAssertNil(make([0, 0], [1, 1]))
    XCTAssertNil(make([1, 0], [0, 0]))
    XCTAssertNil(make([2], [0]))
    XCTAssertNil(make([0], [3]))
    XCTAssertNil(make([-1], [0]))
    XCTAssertNil(make([0, 1], [0]))
  }

  func testGradientOfADenseWeightIsObserved() {
    var random = SeededRandom(4)
    let (x, weight) = (random.tensor([2, 3, 5]), random.tensor([4, 5]))
    let dy = random.tensor([2, 3, 4])
    let trained = Parameter(weight)
    x.linear(weight: trained.tensor).backward(gradient: dy)

    for isInputTrained in [false, true] {
      let input = Parameter(x, isTrainable: isInputTrained)
      var observed: [Tensor] = []
      let output = input.tensor.linear(weight: weight).observingWeightGradient(of: input.tensor) {
        observed.append($0)
      }
      output.backward(gradient: dy)
      XCTAssertEqual(observed.count, 1)
      XCTAssertEqual(observed.first?.array, trained.gradient?.array)
      XCTAssertEqual(input.gradient != nil, isInputTrained)
    }
    let silent = withoutGradients {
      x.linear(weight: weight).observingWeightGradient(of: x) { _ in XCTFail("observed") }
    }
    XCTAssertFalse(silent.needsGradient)
  }

  func testLargestElementsAndTies() {
    let first = Tensor([1, 3, 2, 3], shape: [2, 2]), second = Tensor([3, 0, 5, -0.0])
    func places(_ count: Int) -> [[Int]] {
      LargestElements.places(in: [first, second], count: count)
    }
    XCTAssertEqual(places(0), [[], []])
    XCTAssertEqual(places(1), [[], [2]])
    XCTAssertEqual(places(2), [[1], [2]])
    XCTAssertEqual(places(3), [[1, 3], [2]])
    XCTAssertEqual(places(6), [[0, 1, 2, 3], [0, 2]])
    XCTAssertEqual(places(7), [[0, 1, 2, 3], [0, 1, 2]])
    XCTAssertEqual(places(8), [[0, 1, 2, 3], [0, 1, 2, 3]])
    XCTAssertEqual(LargestElements.placesByRow(in: first, count: 1), [1, 3])
    let wide = Tensor([1, 2, 2, 0, 7, 7, 7, 7], shape: [2, 4])
    XCTAssertEqual(LargestElements.placesByRow(in: wide, count: 2), [1, 2, 4, 5])
  }

  func testLargestElementsAgreeWithSorting() {
    var random = SeededRandom(8)
    let values = random.floats(3000, in: 0...1).map { ($0 * 500).rounded() / 500 }
    let sorted = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
    for count in [1, 10, 777, 2999] {
      XCTAssertEqual(
        LargestElements.places(in: [Tensor(values)], count: count)[0],
        sorted.prefix(count).sorted())
    }
  }
}
