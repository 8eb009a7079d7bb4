import PEFTAdapters
import PEFTTensor
import PEFTTraining
import PEFTTransformer
import XCTest

/// What holds of a training step once the first ones are over.
final class SteadyStateTests: XCTestCase {
  private static let width = 128

  /// A model of both families whose larger blocks come from the arena, and a batch that is the same in every step.
  private func cases() throws -> [(name: String, model: CausalLM, batch: TokenBatch)] {
    let configurations: [TransformerConfiguration] = [
      .gpt2(vocabularySize: 97, width: Self.width, layers: 2, heads: 4, maximumPositions: 64),
      .llama(
        vocabularySize: 97, width: Self.width, feedForwardWidth: 352, layers: 2, heads: 4,
        keyValueHeads: 2, maximumPositions: 64),
    ]
    var cases: [(String, CausalLM, TokenBatch)] = []
    for configuration in configurations {
      for precision in Precision.allCases {
        let model = try CausalLM(
          configuration, from: RandomParameters(seed: 4, isTrainable: false),
          precision: precision)
        try model.attach(LoRA(rank: 4, alpha: 8, targets: .allLinear))
        let batch = TokenBatch(
          rows: [48, 7, 30, 21].enumerated().map { row, length in
            (0..<length).map { Int32((row * 31 + $0 * 7) % 97) }
          })
        cases.append(("\(configuration.modelType), \(precision.rawValue)", model, batch))
      }
    }
    return cases
  }

  private func step(_ model: CausalLM, _ batch: TokenBatch, _ optimizer: AdamW) {
    model.loss(batch).backward()
    optimizer.step()
  }

  func testStepsThreeToTenTakeNoNewMemory() throws {
    for (name, model, batch) in try cases() {
      let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-3)
      for _ in 1...2 { step(model, batch, optimizer) }
      let before = Pool.shared.statistics
      for number in 3...10 {
        step(model, batch, optimizer)
        XCTAssertEqual(Pool.shared.statistics.misses, before.misses, "\(name), step \(number)")
        XCTAssertEqual(
          Pool.shared.statistics.bytesInUse, before.bytesInUse, "\(name), step \(number)")
      }
    }
  }

  func testTwoRunsGiveTheSameBits() throws {
    let runs = try (0..<2).map { _ in
      try cases().map { _, model, batch in
        let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-2)
        for _ in 1...3 { step(model, batch, optimizer) }
        return model.parameters(.trainable).flatMap { $0.parameter.value.array }
      }
    }
    XCTAssertEqual(runs[0], runs[1])
  }
}
