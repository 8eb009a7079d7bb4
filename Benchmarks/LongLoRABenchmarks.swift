import PEFT
import XCTest

/// What a step costs as sequences grow: full attention beside shifted groups of a fixed size.
///
/// `RUN_BENCHMARKS=1 swift test -c release --filter LongLoRABenchmarks`
final class LongLoRABenchmarks: XCTestCase {
  override func setUpWithError() throws { try Benchmark.skipUnlessAsked() }

  private func step(_ length: Int, isGrouped: Bool) throws -> () -> Float {
    let model = try CausalLM(
      .llama(vocabularySize: 512, width: 128, feedForwardWidth: 352, layers: 2, heads: 4),
      from: RandomParameters(seed: 0))
    if isGrouped {
      try model.attach(LongLoRA(groups: .size(256)))
    } else {
      try model.attach(
        LoRA(rank: 8, alpha: 16, targets: .names(["q_proj", "k_proj", "v_proj", "o_proj"])))
    }
    let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-4)
    var generator = Generator(seed: 1)
    let batch = TokenBatch(rows: [(0..<length).map { _ in Int32(generator.next() % 512) }])
    return {
      let loss = model.loss(batch)
      loss.backward()
      optimizer.step()
      return loss.item
    }
  }

  func testLength() throws {
    for length in [512, 1024, 2048, 4096, 8192] {
      try Benchmark.run(
        "LongLoRA step, 1 x \(length) tokens, groups of 256, 2 layers of width 128",
        ["full": step(length, isGrouped: false), "groups": step(length, isGrouped: true)],
        check: { (4..<10).contains($0) })
    }
  }
}
