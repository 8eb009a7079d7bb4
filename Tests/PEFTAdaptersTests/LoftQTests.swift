import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Four bits with a low-rank start that makes up for them (LoftQ).
final class LoftQTests: XCTestCase {
  /// Relative errors of normal weights 128 x 128, worked out with bitsandbytes' numbers: of NF4 alone .0918.
  func testErrorsByRankAndIterations() throws {
    var generator = Generator(seed: 5)
    let weight = Tensor(normal: 0.02, shape: [128, 128], using: &generator)
    let plain = FourBitWeight(weight, isDoubleQuantized: false).dense()
    let error = withoutGradients { (weight - plain).sumOfSquares / weight.sumOfSquares }
    XCTAssertEqual(error.squareRoot(), 0.0918, accuracy: 1.5e-3)
    let table: [(rank: Int, errors: [Int: Double])] = [
      (4, [1: 0.0866, 2: 0.0831, 5: 0.0793]), (16, [1: 0.0723, 2: 0.0666, 5: 0.0625]),
      (32, [1: 0.0562, 2: 0.0523, 5: 0.0511]),
    ]
    for (rank, errors) in table {
      for (iterations, expected) in errors {
        for scale: Float in [1, 4] {
          let result = try LoftQ(iterations: iterations).decomposed(
            weight, rank: rank, scale: scale)
          XCTAssertEqual(result.error, expected, accuracy: 1.5e-3, "\(rank) \(iterations) \(scale)")
          let whole = withoutGradients {
            result.base.dense() + result.b.matrixProduct(result.a) * scale
          }
          let left = withoutGradients { (weight - whole).sumOfSquares / weight.sumOfSquares }
          XCTAssertEqual(left.squareRoot(), result.error, accuracy: 1e-5)
        }
      }
    }
  }

  /// The adapted model is nearer to the original one than the model in four bits, whatever alpha.
  func testAModelIsNearerToTheOriginal() throws {
    for (family, alpha, isDoubleQuantized) in [("gpt2", 6.0, false), ("llama", 32, true)] {
      let original = try TestModels.make(family)
      let expected = original.sample
      let plain = try TestModels.make(family)
      plain.freeze()
      plain.store(as: .nf4)
      let model = try TestModels.make(family)
      let settings = LoftQ(iterations: 3, isDoubleQuantized: isDoubleQuantized)
      let (adapter, errors) = try model.attachQuantizing(
        LoRA(rank: 12, alpha: alpha, targets: .allLinear), settings)
      XCTAssertEqual(errors.count, adapter.modules.count)
      XCTAssertTrue(errors.values.allSatisfy { $0 < 0.075 }, "\(errors)")
      func distance(_ output: Tensor) -> Double {
        withoutGradients { (output - expected).sumOfSquares.squareRoot() }
      }
      XCTAssertLessThan(distance(model.sample), 0.8 * distance(plain.sample))
      XCTAssertEqual((adapter.method as? LoRA)?.initialization, .kaiming)
      // The base has the four bits now; the folder is plain LoRA on it.
      let adapted = model.sample
      try Files.withTemporaryFolder { folder in
        try adapter.save(to: folder.path)
        try model.detach("default")
        XCTAssertNotEqual(model.sample.bits, adapted.bits)
        try model.loadAdapter(folder.path)
        XCTAssertEqual(model.sample.bits, adapted.bits)
      }
    }
  }

  func testErrors() throws {
    let model = try TestModels.make("gpt2")
    let bits = model.bits
    func label(_ settings: LoftQ, _ method: LoRA) -> String? {
      expectAdapterError { try model.attachQuantizing(method, settings) }?.label
    }
    XCTAssertEqual(label(LoftQ(iterations: 0), LoRA()), "invalidSetting iterations")
    XCTAssertEqual(
      label(LoftQ(), LoRA(targets: .names(["lm_head"]))), "notAdaptable lm_head")
    XCTAssertEqual(model.bits, bits)
    try model.attach(LoRA())
    XCTAssertEqual(label(LoftQ(), LoRA()), "wrongState")
  }
}
