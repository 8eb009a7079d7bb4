import Foundation
import PEFTTensor
import PEFTTestSupport
import XCTest

final class CrossEntropyTests: XCTestCase {
  func testAwkwardShapes() {
    for smoothing in [Float(0), 0.1, 1] {
      check([1, 1], [0], smoothing: smoothing)
      check([1, 5], [4], smoothing: smoothing)
      check([4, 3], [0, 2, 2, 1], smoothing: smoothing)
      check([2, 3, 33], [0, 32, 5, 17, 8, 9], smoothing: smoothing)
      check([4, 7], [-100, 3, -100, 0], smoothing: smoothing)
      check([3, 6], [5, 0, 5], ignoring: 0, smoothing: smoothing)
    }
    check([40, 300], (0..<40).map { Int32($0 * 7) }, smoothing: 0, samples: 6)
  }

  func testOnlyIgnoredRowsGiveNaN() {
    let logits = Parameter(Tensor(zeros: [2, 3]))
    let loss = logits.tensor.crossEntropy(Indices([-100, -100]))
    XCTAssert(loss.item.isNaN)
    XCTAssert(Tensor(zeros: [0, 3]).crossEntropy(Indices([])).item.isNaN)
    loss.backward()
    XCTAssertEqual(logits.gradient?.shape, [2, 3])
  }

  func testClosedForms() {
    let uniform = Tensor(zeros: [3, 8]).crossEntropy(Indices([0, 3, 7]))
    XCTAssertEqual(uniform.item, log(8), accuracy: 1e-6)
    let sure = Tensor([1e4, 0, 0, 1e4], shape: [2, 2])
    XCTAssertEqual(sure.crossEntropy(Indices([0, 1])).item, 0)
    XCTAssertEqual(sure.crossEntropy(Indices([1, 0])).item, 1e4)
  }

  func testScaledGradient() {
    var random = SeededRandom(17)
    let value = random.tensor([3, 4])
    let (whole, scaled) = (Parameter(value), Parameter(value))
    whole.tensor.crossEntropy(Indices([0, 1, 2])).backward()
    scaled.tensor.crossEntropy(Indices([0, 1, 2])).backward(scale: 0.25)
    XCTAssertEqual(
      scaled.gradient?.array, whole.gradient?.array.map { $0 * 0.25 })
  }

  func testLabelLogProbabilities() {
    var random = SeededRandom(18)
    let logits = random.tensor([3, 5], in: -3...3)
    let values = DoubleMatrix(logits)
    let result = logits.labelLogProbabilities(Indices([4, -100, 0]))
    let expected = [(0, 4), (2, 0)].map { row, label in
      values[row, label] - log(values.row(row).reduce(0) { $0 + exp($1) })
    }
    expectClose(result, [expected[0], 0, expected[1]], relative: 1e-6, absolute: 1e-7)
    var wide = SeededRandom(18)
    let view = wide.tensor([3, 9]).columns(2..<7)
    XCTAssertEqual(
      view.labelLogProbabilities(Indices([1, 2, 3])),
      view.copied().labelLogProbabilities(Indices([1, 2, 3])))
  }

  private func check(
    _ shape: [Int], _ labels: [Int32], ignoring: Int32 = -100, smoothing: Float, samples: Int = 40,
    file: StaticString = #filePath, line: UInt = #line
  ) {
    var random = SeededRandom(UInt64(labels.count))
    let classes = shape[shape.count - 1]
    checkOp(
      [random.tensor(shape, in: -3...3)], length: classes, samples: samples, file: file, line: line
    ) {
      $0[0].crossEntropy(Indices(labels), ignoring: ignoring, smoothing: smoothing)
    } reference: { values in
      var (sum, count) = (0.0, 0.0)
      let smoothing = Double(smoothing)
      for (row, label) in labels.enumerated() where label != ignoring {
        let x = values[0][row * classes..<(row + 1) * classes].map { $0 }
        let logSum = log(x.reduce(0) { $0 + exp($1) })
        sum += (1 - smoothing) * (logSum - x[Int(label)])
        sum += smoothing * x.reduce(0) { $0 + logSum - $1 } / Double(classes)
        count += 1
      }
      return [sum / count]
    }
  }
}
