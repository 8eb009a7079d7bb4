import CPEFTKernels
import Foundation
import XCTest

final class KernelsNormsTests: XCTestCase {
  private let rows = 11
  private let epsilon: Float = 1e-5

  private struct Row {
    var center = 0.0
    var scale = 0.0
    var normal = [Double]()
  }

  /// A row normalised in Double, with or without taking the mean away.
  private func normalised(_ x: ArraySlice<Float>, centred: Bool) -> Row {
    let values = x.map(Double.init)
    let count = Double(values.count)
    let center = centred ? values.reduce(0, +) / count : 0
    let variance = values.reduce(0) { $0 + ($1 - center) * ($1 - center) } / count
    let scale = 1 / (variance + Double(epsilon)).squareRoot()
    return Row(center: center, scale: scale, normal: values.map { ($0 - center) * scale })
  }

  /// dx of a row: rstd (g - average(g) - h average(g h)), the middle term where there is a mean.
  private func gradient(_ row: Row, _ g: [Double], centred: Bool) -> [Double] {
    let count = Double(g.count)
    let first = centred ? g.reduce(0, +) / count : 0
    let second = zip(g, row.normal).reduce(0) { $0 + $1.0 * $1.1 } / count
    return zip(g, row.normal).map { row.scale * ($0 - first - $1 * second) }
  }

  func testLayerNorm() {
    KernelsCheck.forEachLength { label, columns in
      let x = KernelsCheck.values(rows * columns, seed: 41, in: -1...5)
      let weight = KernelsCheck.values(columns, seed: 42, in: 0.5...2)
      let bias = KernelsCheck.values(columns, seed: 43)
      for withBias in [true, false] {
        var mean = [Float](repeating: 0, count: rows), rstd = mean
        let y = KernelsCheck.output(count: x.count) {
          peft_layer_norm(
            x, weight, withBias ? bias : nil, epsilon, rows, columns, $0, &mean, &rstd)
        }
        for row in 0..<rows where columns > 1 {
          let range = (row * columns)..<((row + 1) * columns)
          let reference = normalised(x[range], centred: true)
          KernelsCheck.expect([mean[row]], [reference.center], ulps: 8, floor: 1, label)
          KernelsCheck.expect([rstd[row]], [reference.scale], ulps: 64, label)
          let expected = (0..<columns).map {
            reference.normal[$0] * Double(weight[$0]) + (withBias ? Double(bias[$0]) : 0)
          }
          KernelsCheck.expect(Array(y[range]), expected, ulps: 64, floor: 2, label)
        }
      }
    }
  }

  func testLayerNormBackward() {
    KernelsCheck.forEachLength { label, columns in
      let x = KernelsCheck.values(rows * columns, seed: 44, in: -1...5)
      let weight = KernelsCheck.values(columns, seed: 45, in: 0.5...2)
      let dy = KernelsCheck.values(rows * columns, seed: 46)
      let start = KernelsCheck.values(columns, seed: 47)
      let references = (0..<rows).map { row in
        normalised(x[(row * columns)..<((row + 1) * columns)], centred: true)
      }
      let mean = references.map { Float($0.center) }, rstd = references.map { Float($0.scale) }
      var dweight = start, dbias = start
      let dx = KernelsCheck.output(dy) {
        peft_layer_norm_backward(
          x, weight, mean, rstd, $0, rows, columns, $0, &dweight, &dbias)
      }
      var expectedWeight = start.map(Double.init), expectedBias = expectedWeight
      for row in 0..<rows where columns > 1 {
        let range = (row * columns)..<((row + 1) * columns)
        let g = (0..<columns).map { Double(dy[range.lowerBound + $0]) * Double(weight[$0]) }
        let expected = gradient(references[row], g, centred: true)
        let scale = max(1, references[row].scale * 6)
        KernelsCheck.expect(Array(dx[range]), expected, ulps: 32, floor: scale, label)
        for column in 0..<columns {
          let slope = Double(dy[range.lowerBound + column])
          expectedWeight[column] += slope * references[row].normal[column]
          expectedBias[column] += slope
        }
      }
      guard columns > 1 else { return }
      KernelsCheck.expect(dweight, expectedWeight, ulps: 32, floor: 8, label)
      KernelsCheck.expect(dbias, expectedBias, ulps: 16, floor: 8, label)

      // What is not asked for is left out, and the rest is the same.
      let alone = KernelsCheck.output(count: dx.count) {
        peft_layer_norm_backward(x, weight, mean, rstd, dy, rows, columns, $0, nil, nil)
      }
      XCTAssertEqual(alone, dx, label)
      var again = start
      peft_layer_norm_backward(x, weight, mean, rstd, dy, rows, columns, nil, &again, nil)
      XCTAssertEqual(again, dweight, label)
    }
  }

  func testRMSNorm() {
    KernelsCheck.forEachLength { label, columns in
      let x = KernelsCheck.values(rows * columns, seed: 48, in: -2...3)
      let weight = KernelsCheck.values(columns, seed: 49, in: 0.5...2)
      let dy = KernelsCheck.values(rows * columns, seed: 50)
      let start = KernelsCheck.values(columns, seed: 51)
      var rstd = [Float](repeating: 0, count: rows)
      let y = KernelsCheck.output(count: x.count) {
        peft_rms_norm(x, weight, epsilon, rows, columns, $0, &rstd)
      }
      var dweight = start
      let dx = KernelsCheck.output(dy) {
        peft_rms_norm_backward(x, weight, rstd, $0, rows, columns, $0, &dweight)
      }
      var expectedWeight = start.map(Double.init)
      for row in 0..<rows where columns > 0 {
        let range = (row * columns)..<((row + 1) * columns)
        let reference = normalised(x[range], centred: false)
        KernelsCheck.expect([rstd[row]], [reference.scale], ulps: 8, label)
        let expected = (0..<columns).map { reference.normal[$0] * Double(weight[$0]) }
        KernelsCheck.expect(Array(y[range]), expected, ulps: 8, label)
        let g = (0..<columns).map { Double(dy[range.lowerBound + $0]) * Double(weight[$0]) }
        KernelsCheck.expect(
          Array(dx[range]), gradient(reference, g, centred: false), ulps: 32,
          floor: max(1, reference.scale * 6), label)
        for column in 0..<columns {
          expectedWeight[column] += Double(dy[range.lowerBound + column]) * reference.normal[column]
        }
      }
      KernelsCheck.expect(dweight, expectedWeight, ulps: 32, floor: 8, label)
      var again = start
      peft_rms_norm_backward(x, weight, rstd, dy, rows, columns, nil, &again)
      XCTAssertEqual(again, dweight, label)
    }
  }
}
