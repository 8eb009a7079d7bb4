import PEFT
import XCTest

/// A matrix of 16.8 million weights to NF4 and back, with plain and with quantised scales: what the second level costs.
///
/// `RUN_BENCHMARKS=1 swift test -c release --filter NF4Benchmarks`
final class NF4Benchmarks: XCTestCase {
  override func setUpWithError() throws { try Benchmark.skipUnlessAsked() }

  func testThereAndBack() {
    var generator = Generator(seed: 4)
    let source = Tensor(normal: 1, shape: [4096, 4096], using: &generator)
    let (plain, double) = (
      FourBitWeight(source, isDoubleQuantized: false), FourBitWeight(source)
    )
    Benchmark.run(
      "NF4 of 4096 x 4096",
      [
        "quantize": { Float(FourBitWeight(source, isDoubleQuantized: false).byteCount) },
        "quantize, double": { Float(FourBitWeight(source).byteCount) },
        "dequantize": { Float(plain.dense().count) },
        "dequantize, double": { Float(double.dense().count) },
      ], check: { $0 > 8e6 })
  }
}
