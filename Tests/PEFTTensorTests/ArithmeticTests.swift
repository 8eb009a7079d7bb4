import PEFTTensor
import PEFTTestSupport
import XCTest

final class ArithmeticTests: XCTestCase {
  private func operations(_ body: () -> Void) -> Int {
    let before = Arithmetic.operations
    body()
    return Arithmetic.operations - before
  }

  func testProductsCountTwoOperationsForEachMultiplication() {
    var random = SeededRandom(1)
    let (rows, inputs, outputs) = (70, 128, 96)
    let x = Parameter(random.tensor([rows, inputs], in: -1...1))
    for precision in Precision.allCases {
      let weight = Parameter(random.tensor([outputs, inputs], in: -1...1), isTrainable: false)
      weight.store(as: precision, .outputInput)
      var y = Tensor(0)
      let product = 2 * rows * inputs * outputs
      XCTAssertEqual(
        operations { y = x.tensor.linear(weight.operand(.outputInput)) }, product, "\(precision)")
      // Nothing but the gradient of x.
      XCTAssertEqual(operations { y.sum().backward() }, product, "\(precision)")
    }
  }

  func testFewRowsAndSmallProductsCountToo() {
    var random = SeededRandom(2)
    for rows in [1, 3] {
      let x = random.tensor([rows, 64], in: -1...1)
      for precision in Precision.allCases {
        let weight = Parameter(random.tensor([32, 64], in: -1...1), isTrainable: false)
        weight.store(as: precision, .outputInput)
        XCTAssertEqual(
          operations { _ = x.linear(weight.operand(.outputInput)) }, 2 * rows * 64 * 32,
          "\(precision)")
      }
    }
  }

  func testAttentionCountsWhatIsSeen() {
    var random = SeededRandom(3)
    let (batch, length, heads, width) = (2, 9, 4, 8)
    let queries = Parameter(random.tensor([batch, length, heads * width], in: -1...1))
    let keys = random.tensor([batch, length, 2 * width], in: -1...1)
    let spans = AttentionSpans(
      keys: [0..<length, 0..<5], queries: length, isCausal: true)
    // 45 pairs in the first row; in the second 15, and five keys for each of the four places of padding.
    let pairs = 45 + 15 + 20
    var y = Tensor(0)
    let forward = operations {
      y = queries.tensor.attention(
        keys: keys, values: keys, headWidth: width, spans: spans, scale: 1)
    }
    XCTAssertEqual(forward, 2 * 2 * pairs * heads * width)
    XCTAssertEqual(operations { y.sum().backward() }, 2 * 5 * pairs * heads * width)
  }
}
