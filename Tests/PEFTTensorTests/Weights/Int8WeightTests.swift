import Foundation
import PEFTTensor
import PEFTTestSupport
import XCTest

final class Int8WeightTests: XCTestCase {
  /// What bitsandbytes made of some weights; see Tests/Fixtures/Weights/make_weights.py.
  private struct Fixture: Decodable {
    struct Case: Decodable {
      var name: String
      var shape: [Int]
      var block: Int?
      var weight: Data
      var codes: Data
      var scales: Data
      var dequantized: Data

      var blocks: Int8Weight.Blocks { block.map { .elements($0) } ?? .rows }
      var tensor: Tensor { Tensor(WeightFixture.floats(weight), shape: shape) }
      var bytes: [Int8] { codes.map { Int8(bitPattern: $0) } }
    }

    var cases: [Case]
  }

  private func cases() throws -> [Fixture.Case] {
    let data = try Data(contentsOf: Files.fixture("Weights/int8.json"))
    return try JSONDecoder().decode(Fixture.self, from: data).cases
  }

  private func rounded(_ tensor: Tensor) -> DoubleMatrix {
    DoubleMatrix(
      tensor.array.map { WeightCheck.bfloat16($0) }, rows: tensor.rows, columns: tensor.columns)
  }

  func testQuantisesAsBitsandbytes() throws {
    for fixture in try cases() {
      let (values, expected) = (fixture.tensor.array, fixture.bytes)
      let scales = WeightFixture.floats(fixture.scales)
      KernelsCheck.forEachInstructionSet { name in
        let label = "\(fixture.name), \(name)"
        let weight = Int8Weight(fixture.tensor, blocks: fixture.blocks)
        XCTAssertEqual(weight.scales, scales, label)
        guard let block = fixture.block else {
          XCTAssertEqual(weight.bytes, expected, label)
          XCTAssertEqual(
            weight.dense().array, WeightFixture.floats(fixture.dequantized), label)
          return
        }
        // The reference finds the nearest number on a grid of 65,536 points, so that it may take the other one of two between
        // which a value lies halfway but for 2^-9 of a step.
        var others = 0
        for (index, (byte, reference)) in zip(weight.bytes, expected).enumerated() {
          let place = Double(values[index]) / Double(scales[index / block]) * 127
          XCTAssertLessThanOrEqual(abs(place - Double(byte)), 0.50001, label)
          if byte == reference { continue }
          others += 1
          XCTAssertEqual(abs(Int(byte) - Int(reference)), 1, label)
          XCTAssertEqual(abs(place - place.rounded(.down)), 0.5, accuracy: 0x1p-9, label)
        }
        XCTAssertLessThan(others, max(2, values.count / 400), label)
      }
    }
  }

  func testReadsRowsOfBytes() throws {
    for fixture in try cases() where fixture.block == nil {
      let weight = Int8Weight(
        bytes: fixture.bytes, rowScales: WeightFixture.floats(fixture.scales))
      XCTAssertEqual([weight.outputs, weight.inputs], fixture.shape)
      XCTAssertEqual(weight.bytes, fixture.bytes)
      XCTAssertEqual(weight.dense().array, WeightFixture.floats(fixture.dequantized))
    }
  }

  func testProductsInEverySizeAndSet() {
    let sizes =
      WeightCheck.sizes + [
        (5, 40, 72), (2, 33, 128), (7, 33, 576), (1, 64, 4160), (1, 33, 192), (4, 40, 8),
        (3, 32, 600), (2, 100, 200),
      ]
    for (index, size) in sizes.enumerated() {
      let source = WeightCheck.matrix(size.outputs, size.inputs, seed: 31)
      let weight = Int8Weight(
        source, blocks: [.elements(64), .rows, .elements(256)][index % 3])
      let x = WeightCheck.matrix(size.rows, size.inputs, seed: 32)
      let dy = WeightCheck.matrix(size.rows, size.outputs, seed: 33)
      // Few rows meet the bytes themselves.
      let isFew = size.rows <= 4 && size.inputs % 8 == 0
      let (w, b) = (rounded(weight.dense()), rounded(dy))
      let (a, factor) = isFew ? (DoubleMatrix(x), DoubleMatrix(weight.dense())) : (rounded(x), w)
      let beta: Float = [0, 1, -0.5][index % 3]
      KernelsCheck.forEachInstructionSet { name in
        let label = "\(name), \(size), beta \(beta)"
        WeightCheck.checkProduct(a, factor, beta: beta, label) {
          weight.multiply(x, to: $0, beta: beta)
        }
        WeightCheck.checkProduct(b, w.transposed, beta: beta, label + ", transposed") {
          weight.multiplyTransposed(dy, to: $0, beta: beta)
        }
      }
    }
  }

  func testEveryNumberIsWithinHalfAStep() {
    let source = WeightCheck.matrix(33, 130, seed: 34)
    for blocks in [Int8Weight.Blocks.elements(64), .rows] {
      let weight = Int8Weight(source, blocks: blocks)
      let scales = weight.scales
      for (index, (value, exact)) in zip(weight.dense().array, source.array).enumerated() {
        let scale = scales[blocks == .rows ? index / 130 : index / 64]
        XCTAssertEqual(value, exact, accuracy: scale / 254 * 1.0001)
      }
    }
    let zeros = Int8Weight(Tensor(zeros: [2, 64]))
    XCTAssertEqual(zeros.dense().array, [Float](repeating: 0, count: 128))
  }

  func testSizeInMemory() {
    let source = Tensor(zeros: [512, 1024])
    let elements = 512 * 1024
    XCTAssertEqual(Int8Weight(source).byteCount, elements + 4 * elements / 64)
    XCTAssertEqual(Int8Weight(source, blocks: .rows).byteCount, elements + 4 * 512)
  }

  func testRepeatedProductsTakeNoNewMemory() {
    WeightCheck.expectNoNewMemory(Int8Weight(WeightCheck.matrix(96, 64, seed: 35)))
  }
}
