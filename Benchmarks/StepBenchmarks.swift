import PEFT
import XCTest

/// One training step of a small Llama: what the precision of the frozen base and the methods cost beside each other.
///
/// `RUN_BENCHMARKS=1 swift test -c release --filter StepBenchmarks`
final class StepBenchmarks: XCTestCase {
  override func setUpWithError() throws { try Benchmark.skipUnlessAsked() }

  private func step(_ precision: Precision, _ method: (any AdapterMethod)?) throws -> () -> Float {
    let model = try CausalLM(
      .llama(vocabularySize: 2048, width: 512, feedForwardWidth: 1408, layers: 4, heads: 8),
      from: RandomParameters(seed: 0, isTrainable: method == nil), precision: precision)
    if let method { try model.attach(method) }
    let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-4)
    var generator = Generator(seed: 1)
    let batch = TokenBatch(
      rows: (0..<4).map { _ in (0..<128).map { _ in Int32(generator.next() % 2048) } })
    return {
      let loss = model.loss(batch)
      loss.backward()
      optimizer.step()
      return loss.item
    }
  }

  func testPrecisionOfTheBase() throws {
    let lora = LoRA(rank: 8, alpha: 16, targets: .allLinear)
    try Benchmark.run(
      "LoRA step, 4 x 128 tokens, 4 layers of width 512",
      [
        "float32": step(.float32, lora), "bfloat16": step(.bfloat16, lora),
        "nf4": step(.nf4, lora),
      ], check: { (4..<10).contains($0) })
  }

  func testMethods() throws {
    try Benchmark.run(
      "step by method, 4 x 128 tokens, 4 layers of width 512",
      [
        "full": step(.float32, nil), "lora q,v": step(.float32, LoRA(rank: 8)),
        "lora all": step(.float32, LoRA(rank: 8, targets: .allLinear)),
        "adalora all": step(
          .float32,
          AdaLoRA(initialRank: 8, targetRank: 6, totalSteps: 1000, targets: .allLinear)),
        "dylora all": step(.float32, DyLoRA(rank: 8, targets: .allLinear)),
        "delta-lora all": step(.float32, DeltaLoRA(rank: 8, delay: -1, targets: .allLinear)),
      ], check: { (0..<10).contains($0) })
  }

  /// The relatives of LoRA beside it, at the same rank: DoRA is meant to cost at most 1.3 times as much, the others 1.15.
  func testLoRAFamily() throws {
    func family(_ change: (inout LoRA) -> Void) throws -> () -> Float {
      var method = LoRA(rank: 8, alpha: 16, targets: .allLinear)
      change(&method)
      return try step(.float32, method)
    }
    try Benchmark.run(
      "LoRA family step, 4 x 128 tokens, 4 layers of width 512",
      [
        "lora": family { _ in }, "dora": family { $0.usesWeightDecomposition = true },
        "pissa": family { $0.initialization = .fastPiSSA(iterations: 4) },
        "olora": family { $0.initialization = .olora }, "lora-fa": family { $0.freezesA = true },
      ], check: { (4..<10).contains($0) })
  }
}
