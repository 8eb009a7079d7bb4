import PEFT
import XCTest

/// Eight prompts for four adapters: in one batch with an adapter for each row, and adapter after adapter.
final class RowBenchmarks: XCTestCase {
  override func setUpWithError() throws { try Benchmark.skipUnlessAsked() }

  func testAdaptersByRow() throws {
    let model = try CausalLM(
      .llama(vocabularySize: 2048, width: 512, feedForwardWidth: 1408, layers: 4, heads: 8),
      from: RandomParameters(seed: 0, isTrainable: false))
    let names = ["a", "b", "c", "d"]
    for name in names { try model.attach(LoRA(rank: 8, targets: .allLinear), name: name) }
    let ids = (0..<8 * 16).map { Int32($0 * 37 % 2048) }
    let batch = Indices(ids, shape: [8, 16])
    func value(_ logits: Tensor) -> Float { logits.isFinite ? 1 : 0 }
    Benchmark.run(
      "logits of 8 rows of 16 tokens for four adapters",
      [
        "by row": {
          let rows: [String?] = names + names
          let logits = try? model.withAdapters(rows: rows) { withoutGradients { model(batch) } }
          return logits.map(value) ?? 0
        },
        "one after the other": {
          names.enumerated().reduce(1) { product, entry in
            let part = Indices(
              Array(ids[entry.offset * 32..<(entry.offset + 1) * 32]), shape: [2, 16])
            let logits = try? model.withAdapters([entry.element]) {
              withoutGradients { model(part) }
            }
            return product * (logits.map(value) ?? 0)
          }
        },
      ], check: { $0 == 1 })
  }
}
