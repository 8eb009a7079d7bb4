import PEFT
import XCTest

/// Seconds a token of a LoRA step by the length of a row and by the number of layers; both should stay level.
///
/// `RUN_BENCHMARKS=1 swift test -c release --filter LengthBenchmarks`
final class LengthBenchmarks: XCTestCase {
  override func setUpWithError() throws { try Benchmark.skipUnlessAsked() }

  private static let (width, heads, tokens) = (768, 12, 1024)

  private func step(layers: Int, length: Int) throws -> () -> Float {
    let model = try CausalLM(
      .llama(
        vocabularySize: 512, width: Self.width, feedForwardWidth: 2048, layers: layers,
        heads: Self.heads),
      from: RandomParameters(seed: 0, isTrainable: false))
    try model.attach(LoRA(rank: 8, alpha: 16))
    let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-4)
    var generator = Generator(seed: 1)
    let batch = TokenBatch(
      rows: (0..<Self.tokens / length).map { _ in
        (0..<length).map { _ in Int32(generator.next() % 512) }
      })
    return {
      let loss = model.loss(batch)
      loss.backward()
      optimizer.step()
      return loss.item
    }
  }

  /// Attention of one layer, forward and back.
  private func attention(length: Int) -> () -> Float {
    var generator = Generator(seed: 2)
    let batch = Self.tokens / length
    let operands = (0..<3).map { _ in
      Parameter(Tensor(normal: 1, shape: [batch, length, Self.width], using: &generator))
    }
    let spans = AttentionSpans(
      keys: Array(repeating: 0..<length, count: batch), queries: length, isCausal: true)
    return {
      let result = operands[0].tensor.attention(
        keys: operands[1].tensor, values: operands[2].tensor,
        headWidth: Self.width / Self.heads, spans: spans, scale: 0.125)
      result.backward(gradient: result)
      for operand in operands { operand.gradient = nil }
      return 5
    }
  }

  func testLengthOfARow() throws {
    let layers = 4
    try Benchmark.run(
      "LoRA step of 1,024 tokens in rows of a length, \(layers) layers of width 768",
      [
        "128": step(layers: layers, length: 128), "256": step(layers: layers, length: 256),
        "512": step(layers: layers, length: 512), "1024": step(layers: layers, length: 1024),
      ], check: { (4..<10).contains($0) })
    Benchmark.run(
      "attention alone, one layer of the same",
      [
        "128": attention(length: 128), "256": attention(length: 256),
        "512": attention(length: 512), "1024": attention(length: 1024),
      ], check: { $0 == 5 })
  }

  func testNumberOfLayers() throws {
    try Benchmark.run(
      "LoRA step of 8 x 128 tokens by the number of layers, width 768", rounds: 3,
      [
        "2": step(layers: 2, length: 128), "4": step(layers: 4, length: 128),
        "12": step(layers: 12, length: 128), "24": step(layers: 24, length: 128),
      ], check: { (4..<10).contains($0) })
  }
}
