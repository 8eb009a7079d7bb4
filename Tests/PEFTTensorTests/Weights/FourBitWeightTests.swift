import PEFTTensor
import PEFTTestSupport
import XCTest

final class FourBitWeightTests: XCTestCase {
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
  private func scaledAfterRounding(_ weight: FourBitWeight, _ dense: Tensor) -> DoubleMatrix {
    let bytes = weight.serialized().weight
    var result = DoubleMatrix(dense)
    for index in result.values.indices {
      let pair = bytes[index / 2]
      let number = weight.code.values[Int(index % 2 == 0 ? pair >> 4 : pair & 15)]
      if number != 0 { result.values[index] *= WeightCheck.bfloat16(number) / Double(number) }
    }
    return result
  }

  func testProductsInEverySizeAndSet() {
    for (index, size) in sizes.enumerated() {
      let source = WeightCheck.matrix(size.outputs, size.inputs, seed: 21)
      let weight = FourBitWeight(
        source, code: index % 4 < 2 ? .nf4 : .fp4, isDoubleQuantized: index % 2 == 0)
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
    for fixture in try FourBitCode.allCases.flatMap({ try WeightFixture.load($0).cases }) {
      let expected = fixture.serialized
      KernelsCheck.forEachInstructionSet { name in
        let label = "\(fixture.code) \(fixture.name), \(name)"
        let weight = FourBitWeight(
          fixture.tensor, code: fixture.code, isDoubleQuantized: expected.nested != nil)
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
    for fixture in try FourBitCode.allCases.flatMap({ try WeightFixture.load($0).cases }) {
      let weight = try FourBitWeight(fixture.serialized)
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
      _ expected: FourBitWeight.FormatError, line: UInt = #line,
      _ change: (inout FourBitWeight.Serialized) -> Void
    ) {
      var changed = good
      change(&changed)
      XCTAssertThrowsError(try FourBitWeight(changed), line: line) {
        XCTAssertEqual($0 as? FourBitWeight.FormatError, expected, line: line)
      }
    }
    expect(.unsupported(field: "quant_type", found: "af4", expected: "nf4 or fp4")) {
      $0.type = "af4"
    }
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
    // Halfway between two numbers the lower one wins; blocks of zeros have the code of 0. FP4 has two zeros, and what is
    // just above 0 takes the second.
    let codes: [FourBitCode: [UInt8]] = [
      .nf4: Array(0..<16), .fp4: [11, 10, 13, 12, 15, 14, 9, 0, 8, 1, 6, 7, 4, 5, 2, 3],
    ]
    for (code, order) in codes {
      let map = order.map { code.values[Int($0)] }
      XCTAssertEqual(map, code.values.sorted())
      var values = [Float](repeating: 0, count: 128)
      for place in 0..<15 {
        let middle = (map[place] + map[place + 1]) / 2
        values[4 * place] = middle
        values[4 * place + 1] = middle.nextUp
        values[4 * place + 2] = middle.nextDown
        values[4 * place + 3] = place == 8 ? 0 : map[place]
      }
      values[60] = 1
      KernelsCheck.forEachInstructionSet { name in
        let bytes = FourBitWeight(
          Tensor(values, shape: [1, 128]), code: code, isDoubleQuantized: false
        ).serialized().weight
        for place in 0..<15 {
          let (lower, upper) = (order[place], order[place + 1])
          XCTAssertEqual(bytes[2 * place], lower << 4 | upper, "\(name), \(code) \(place)")
          let exact = place == 8 ? order[7] : lower
          XCTAssertEqual(bytes[2 * place + 1], lower << 4 | exact, "\(name), \(code) \(place)")
        }
        let zero = order[7] << 4 | order[7]
        XCTAssertEqual(Array(bytes[32...]), [UInt8](repeating: zero, count: 32), name)
      }
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
    for (code, isDouble, expected) in [
      (FourBitCode.nf4, false, 0.0920), (.nf4, true, 0.0920), (.fp4, false, 0.1219),
      (.fp4, true, 0.1219),
    ] {
      let dense = FourBitWeight(source, code: code, isDoubleQuantized: isDouble).dense().array
      var (error, size) = (0.0, 0.0)
      for (value, exact) in zip(dense, values) {
        error += Double(value - exact) * Double(value - exact)
        size += Double(exact) * Double(exact)
      }
      XCTAssertEqual((error / size).squareRoot(), expected, accuracy: 0.001)
    }
  }

  func testSizeInMemory() {
    let source = Tensor(zeros: [512, 1024])
    let (elements, blocks) = (512 * 1024, 512 * 1024 / 64)
    XCTAssertEqual(
      FourBitWeight(source, isDoubleQuantized: false).byteCount, elements / 2 + 4 * blocks)
    XCTAssertEqual(FourBitWeight(source).byteCount, elements / 2 + blocks + 4 * blocks / 256)
  }

  func testRepeatedProductsTakeNoNewMemory() {
    WeightCheck.expectNoNewMemory(FourBitWeight(WeightCheck.matrix(96, 64, seed: 25)))
  }
}
