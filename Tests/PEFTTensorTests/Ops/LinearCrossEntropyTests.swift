import PEFTTensor
import PEFTTestSupport
import XCTest

final class LinearCrossEntropyTests: XCTestCase {
  func testEqualsHeadAndCrossEntropy() {
    for smoothing in [Float(0), 0.1] {
      check(rows: 1, width: 1, classes: 1, [0], smoothing)
      check(rows: 5, width: 3, classes: 7, [0, 6, -100, 3, 3], smoothing)
      // Wide enough for two chunks of rows, the second a part.
      check(
        rows: 70, width: 3, classes: 100_000, (0..<70).map { Int32($0 * 1400) }, smoothing)
    }
  }

  func testOnlyIgnoredRowsGiveNaN() {
    let x = Tensor(zeros: [2, 3])
    let weight = Tensor(zeros: [4, 3])
    XCTAssert(
      x.linearCrossEntropy(weight: .tensor(weight, .outputInput), Indices([-100, -100])).item.isNaN)
    XCTAssertEqual(
      x.linearLabelLogProbabilities(weight: .tensor(weight, .outputInput), Indices([-100, -100])),
      [0, 0])
  }

  func testFrozenSidesGetNoGradient() {
    var random = SeededRandom(3)
    let (x, weight) = (random.tensor([4, 3]), random.tensor([5, 3]))
    let labels = Indices([0, 1, 2, 4])
    let both = (Parameter(x), Parameter(weight))
    both.0.tensor.linearCrossEntropy(weight: .tensor(both.1.tensor, .outputInput), labels).backward(
      scale: 0.5)
    let input = Parameter(x)
    input.tensor.linearCrossEntropy(weight: .tensor(weight, .outputInput), labels).backward(
      scale: 0.5)
    XCTAssertEqual(input.gradient?.array, both.0.gradient?.array)
    let head = Parameter(weight)
    x.linearCrossEntropy(weight: .tensor(head.tensor, .outputInput), labels).backward(scale: 0.5)
    XCTAssertEqual(head.gradient?.array, both.1.gradient?.array)
    XCTAssertFalse(
      x.linearCrossEntropy(weight: .tensor(weight, .outputInput), labels).needsGradient)
  }

  private func check(
    rows: Int, width: Int, classes: Int, _ labels: [Int32], _ smoothing: Float,
    file: StaticString = #filePath, line: UInt = #line
  ) {
    var random = SeededRandom(UInt64(rows))
    let (x, weight) = (random.tensor([rows, width]), random.tensor([classes, width]))
    let fused = (Parameter(x), Parameter(weight))
    let loss = fused.0.tensor.linearCrossEntropy(
      weight: .tensor(fused.1.tensor, .outputInput), Indices(labels), smoothing: smoothing)
    loss.backward(scale: 3)
    let plain = (Parameter(x), Parameter(weight))
    let reference = plain.0.tensor.linear(weight: plain.1.tensor)
      .crossEntropy(Indices(labels), smoothing: smoothing)
    reference.backward(scale: 3)
    expectClose(loss, reference, relative: 1e-6, file: file, line: line)
    for (own, other) in [(fused.0, plain.0), (fused.1, plain.1)] {
      guard let found = own.gradient, let expected = other.gradient else {
        return XCTFail("no gradient", file: file, line: line)
      }
      expectClose(found, expected, relative: 1e-5, absolute: 1e-6, file: file, line: line)
    }
    let values = x.linearLabelLogProbabilities(
      weight: .tensor(weight, .outputInput), Indices(labels))
    let expected = x.linear(weight: weight).labelLogProbabilities(Indices(labels))
    expectClose(values, expected.map(Double.init), relative: 1e-5, file: file, line: line)
  }
}
