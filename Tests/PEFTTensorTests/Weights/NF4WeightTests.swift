import PEFTTensor
import PEFTTestSupport
import XCTest

final class NF4WeightTests: XCTestCase {
  /// Also widths that fill a window of scales, and panels with a remainder of 128 inputs.
  private let sizes =
    WeightCheck.sizes + [
      (5, 40, 72), (2, 33, 128), (3, 33, 192), (1, 32, 576), (7, 33, 576), (4, 40, 8),
      (1, 64, 4160),
      (5, 32, 4160), (2, 32, 600), (6, 32, 600),
    ]

  private func rounded(_ tensor: Tensor) -> DoubleMatrix {
    DoubleMatrix(
      tensor.array.map { WeightCheck.bfloat16($0) }, rows: tensor.rows, columns: tensor.columns)
  }

  /// W with the numbers of the code rounded, and not their products with the scales.
  private func scaledAfterRounding(_ weight: NF4Weight, _ dense: Tensor) -> DoubleMatrix {
    let bytes = weight.serialized().weight
    var result = DoubleMatrix(dense)
    for index in result.values.indices {
      let pair = bytes[index / 2]
      let number = NF4Weight.Serialized.standardMap[Int(index % 2 == 0 ? pair >> 4 : pair & 15)]
      if number != 0 { result.values[index] *= WeightCheck.bfloat16(number) / Double(number) }
    }
    return result
  }

  func testProductsInEverySizeAndSet() {
    for (index, size) in sizes.enumerated() {
      let source = WeightCheck.matrix(size.outputs, size.inputs, seed: 21)
      let weight = NF4Weight(source, isDoubleQuantized: index % 2 == 0)
      let x = WeightCheck.matrix(size.rows, size.inputs, seed: 22)
      let dy = WeightCheck.matrix(size.rows, size.outputs, seed: 23)
      let isFew = size.rows <= 4 && size.inputs % 8 == 0
      let dense = weight.dense()
      let transposed = (rounded(dy), rounded(dense).transposed)
      let beta: Float = [0, 1, -0.5][index % 3]
      KernelsCheck.forEachInstructionSet { name in
        let label = "\(name), \(size), beta \(beta)"
        // Few rows meet the numbers of the code themselves.
        var (a, w) = (rounded(x), rounded(dense))
        if isFew, name == "avx512bf16" { w = scaledAfterRounding(weight, dense) }
        if isFew, name != "avx512bf16" { (a, w) = (DoubleMatrix(x), DoubleMatrix(dense)) }
        WeightCheck.checkProduct(a, w, beta: beta, label) { weight.multiply(x, to: $0, beta: beta) }
        WeightCheck.checkProduct(
          transposed.0, transposed.1, beta: beta, label + ", transposed"
        ) { weight.multiplyTransposed(dy, to: $0, beta: beta) }
      }
    }
  }

  func testQuantisesAsBitsandbytes() throws {
    for fixture in try WeightFixture.load().cases {
      let expected = fixture.serialized
      KernelsCheck.forEachInstructionSet { name in
        let label = "\(fixture.name), \(name)"
        let weight = NF4Weight(fixture.tensor, isDoubleQuantized: expected.nested != nil)
        let actual = weight.serialized()
        XCTAssertEqual(actual.weight, expected.weight, label)
        XCTAssertEqual(actual.absmax, expected.absmax, label)
        guard let nested = expected.nested, let ours = actual.nested else {
          return XCTAssertEqual(actual.json, fixture.json, label)
        }
        // The mean of the scales is summed in another order.
        XCTAssertEqual(ours.offset, nested.offset, accuracy: 2 * nested.offset.ulp, label)
        expectClose(
          ours.absmax, nested.absmax.map(Double.init), absolute: Double(4 * nested.offset.ulp),
          label)
        XCTAssertEqual(ours.quantMap, nested.quantMap, label)
      }
    }
  }

  func testReadsWhatBitsandbytesWrites() throws {
    for fixture in try WeightFixture.load().cases {
      let weight = try NF4Weight(fixture.serialized)
      let expected = WeightFixture.floats(fixture.dequantized)
      KernelsCheck.forEachInstructionSet { name in
        let dense = weight.dense()
        XCTAssertEqual(dense.shape, fixture.shape)
        XCTAssertEqual(dense.array, expected, "\(fixture.name), \(name)")
      }
      let written = weight.serialized()
      XCTAssertEqual(written.json, fixture.json)
      XCTAssertEqual(written.weight, fixture.serialized.weight)
      XCTAssertEqual(written.absmax, fixture.serialized.absmax)
      XCTAssertEqual(written.nested?.absmax, fixture.serialized.nested?.absmax)
      XCTAssertEqual(
        written.quantMap, WeightFixture.floats(fixture.tensors["quant_map"] ?? .init()))
    }
  }

  func testRefusesWhatDoesNotFit() throws {
    let good = try XCTUnwrap(WeightFixture.load().cases.first { $0.name == "double" }).serialized
    func expect(
      _ expected: NF4Weight.FormatError, line: UInt = #line,
      _ change: (inout NF4Weight.Serialized) -> Void
    ) {
      var changed = good
      change(&changed)
      XCTAssertThrowsError(try NF4Weight(changed), line: line) {
        XCTAssertEqual($0 as? NF4Weight.FormatError, expected, line: line)
      }
    }
    expect(.unsupported(field: "quant_type", found: "fp4", expected: "nf4")) { $0.type = "fp4" }
    expect(.unsupported(field: "blocksize", found: "128", expected: "64")) { $0.blockSize = 128 }
    expect(.unsupported(field: "shape", found: "[1, 2, 3]", expected: "two sizes")) {
      $0.shape = [1, 2, 3]
    }
    expect(.count(tensor: "weight", found: 5120, expected: 5280)) { $0.shape = [33, 320] }
    expect(.count(tensor: "weight", found: 5120, expected: .max)) { $0.shape = [.max, 2] }
    expect(.count(tensor: "absmax", found: 159, expected: 160)) { $0.absmax.removeLast() }
    expect(.count(tensor: "absmax", found: 160, expected: 640)) { $0.nested = nil }
    expect(.count(tensor: "nested_absmax", found: 2, expected: 1)) { $0.nested?.absmax.append(0) }
    expect(.count(tensor: "nested_quant_map", found: 255, expected: 256)) {
      $0.nested?.quantMap.removeLast()
    }
    expect(.unsupported(field: "nested_blocksize", found: "64", expected: "256")) {
      $0.nested?.blockSize = 64
    }
  }

  func testTiesAndSpecialBlocks() {
    // Halfway between two numbers the lower code wins; blocks of zeros have the code of 0.
    let map = NF4Weight.Serialized.standardMap
    var values = [Float](repeating: 0, count: 128)
    for code in 0..<15 {
      let middle = (map[code] + map[code + 1]) / 2
      values[4 * code] = middle
      values[4 * code + 1] = middle.nextUp
      values[4 * code + 2] = middle.nextDown
      values[4 * code + 3] = map[code]
    }
    values[60] = 1
    KernelsCheck.forEachInstructionSet { name in
      let bytes = NF4Weight(
        Tensor(values, shape: [1, 128]), isDoubleQuantized: false
      ).serialized().weight
      for code in 0..<15 {
        let pair = UInt8(code << 4 | code + 1), equal = UInt8(code << 4 | code)
        XCTAssertEqual(bytes[2 * code], pair, "\(name), \(code)")
        XCTAssertEqual(bytes[2 * code + 1], equal, "\(name), \(code)")
      }
      XCTAssertEqual(Array(bytes[32...]), [UInt8](repeating: 0x77, count: 32), name)
    }
  }

  func testErrorOnGaussianNumbers() {
    var generator = KernelsGenerator(state: 24)
    var values = [Float]()
    for _ in 0..<1 << 16 {
      let (u, v) = (
        Double.random(in: 1e-300..<1, using: &generator),
        Double.random(in: 0..<1, using: &generator)
      )
      let radius = (-2 * log(u)).squareRoot()
      values.append(Float(radius * cos(2 * .pi * v)))
      values.append(Float(radius * sin(2 * .pi * v)))
    }
    let source = Tensor(values, shape: [256, 512])
    for isDouble in [false, true] {
      let dense = NF4Weight(source, isDoubleQuantized: isDouble).dense().array
      var (error, size) = (0.0, 0.0)
      for (value, exact) in zip(dense, values) {
        error += Double(value - exact) * Double(value - exact)
        size += Double(exact) * Double(exact)
      }
      XCTAssertEqual((error / size).squareRoot(), 0.0920, accuracy: 0.001)
    }
  }

  func testSizeInMemory() {
    let source = Tensor(zeros: [512, 1024])
    let (elements, blocks) = (512 * 1024, 512 * 1024 / 64)
    XCTAssertEqual(
      NF4Weight(source, isDoubleQuantized: false).byteCount, elements / 2 + 4 * blocks)
    XCTAssertEqual(NF4Weight(source).byteCount, elements / 2 + blocks + 4 * blocks / 256)
  }

  func testRepeatedProductsTakeNoNewMemory() {
    WeightCheck.expectNoNewMemory(NF4Weight(WeightCheck.matrix(96, 64, seed: 25)))
  }
}
