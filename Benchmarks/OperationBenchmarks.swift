import PEFT
import XCTest

/// The operations beside the matrix products at GPT-2's sizes, forward and back: none should take a visible part of a step.
///
/// `RUN_BENCHMARKS=1 swift test -c release --filter OperationBenchmarks`
final class OperationBenchmarks: XCTestCase {
  override func setUpWithError() throws { try Benchmark.skipUnlessAsked() }

  private var generator = Generator(seed: 5)

  private func parameter(_ shape: [Int]) -> Parameter {
    Parameter(Tensor(normal: 1, shape: shape, using: &generator))
  }

  /// Forward and back.
  private func run(_ x: Parameter, _ body: @escaping (Tensor) -> Tensor) -> () -> Float {
    {
      let y = body(x.tensor)
      y.backward(gradient: y)
      defer { x.gradient = nil }
      return x.gradient?.isFinite == true ? 1 : 0
    }
  }

  func testNormsAndActivations() {
    let (weight, x, wide) = (
      parameter([768]).value, parameter([512, 768]), parameter([512, 3072])
    )
    Benchmark.run(
      "norms at 512 x 768, activations at 512 x 3072", rounds: 20,
      [
        "layer norm": run(x) { $0.layerNorm(weight: weight, bias: weight, epsilon: 1e-5) },
        "RMS norm": run(x) { $0.rmsNorm(weight: weight, epsilon: 1e-5) },
        "GELU": run(wide) { $0.activated(.geluTanh) },
        "SwiGLU": run(wide) { Tensor.swiglu(gate: $0, up: $0) },
      ], check: { $0 == 1 })
  }

  func testLossOfAHead() {
    let labels = Indices((0..<512).map { Int32($0 * 97 % 50257) }, shape: [512])
    let weight = Tensor(normal: 0.02, shape: [50257, 768], using: &generator)
    let x = parameter([512, 768])
    Benchmark.run(
      "head and cross-entropy, 512 x 768 x 50257: logits whole and in chunks", rounds: 3,
      [
        "whole": run(x) { $0.linear(weight: weight).crossEntropy(labels) },
        "chunks": run(x) {
          $0.linearCrossEntropy(weight: .tensor(weight, .outputInput), labels)
        },
        "chunks, bfloat16": run(x) { [head = BFloat16Weight(weight)] in
          $0.linearCrossEntropy(weight: .storage(head), labels)
        },
      ], check: { $0 == 1 })
  }
}
