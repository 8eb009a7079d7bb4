import PEFT
import XCTest

/// The products of a frozen weight in each storage, forward and back, at the shapes of GPT-2.
///
/// `RUN_BENCHMARKS=1 swift test -c release --filter ProductBenchmarks`
final class ProductBenchmarks: XCTestCase {
  override func setUpWithError() throws { try Benchmark.skipUnlessAsked() }

  func testShapesOfGPT2() throws {
    var generator = Generator(seed: 2)
    for (inputs, outputs) in [(768, 768), (768, 2304), (768, 3072), (3072, 768)] {
      let weight = Tensor(normal: 0.02, shape: [outputs, inputs], using: &generator)
      let x = Parameter(Tensor(normal: 1, shape: [512, inputs], using: &generator))
      func product(_ operand: WeightOperand) -> () -> Float {
        {
          let y = x.tensor.linear(operand)
          x.gradient = nil
          y.backward(gradient: y)
          return x.gradient?.isFinite == true ? 1 : 0
        }
      }
      Benchmark.run(
        "512 x \(inputs) x \(outputs), forward and back",
        [
          "float32": product(.tensor(weight, .outputInput)),
          "bfloat16": product(.storage(BFloat16Weight(weight))),
          "nf4": product(.storage(FourBitWeight(weight))),
        ], check: { $0 == 1 })
    }
  }
}
