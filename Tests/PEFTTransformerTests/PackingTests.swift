import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Rows joined to one sequence give what the padded rows give.
final class PackingTests: XCTestCase {
  private let rows: [[Int32]] = [
    [5, 9, 2, 7, 11, 3, 8], [4], [1, 6, 3, 2], [], [9, 9, 1, 12, 0, 3],
  ]

  private func models() throws -> [CausalLM] {
    var mistral = TransformerConfiguration.llama(
      vocabularySize: 16, width: 24, feedForwardWidth: 40, layers: 2, heads: 4, keyValueHeads: 2)
    mistral.slidingWindows = [3, nil]
    let gpt2 = TransformerConfiguration.gpt2(
      vocabularySize: 16, width: 24, layers: 2, heads: 3, maximumPositions: 8)
    return try [gpt2, mistral].map { try CausalLM($0, from: RandomParameters(seed: 3)) }
  }

  /// The loss of the padded rows from the logits of every position.
  private func padded(_ model: CausalLM, _ batch: TokenBatch) -> Tensor {
    let (places, labels) = batch.targets
    return model(batch.ids, keys: batch.keys).matrix.rows(at: places).crossEntropy(labels)
  }

  func testLossAndGradientsEqualThePaddedOnes() throws {
    for model in try models() {
      let batch = TokenBatch(rows: rows)
      let expected = padded(model, batch)
      expected.backward()
      let reference = model.parameters().map { $0.parameter.gradient }
      for named in model.parameters() { named.parameter.gradient = nil }
      let loss = model.loss(batch)
      expectClose(loss, expected, relative: 1e-6, model.modelType)
      loss.backward()
      for (named, gradient) in zip(model.parameters(), reference) {
        guard let found = named.parameter.gradient, let gradient else {
          XCTAssertNil(named.parameter.gradient, named.path)
          continue
        }
        expectClose(found, gradient, relative: 1e-4, absolute: 1e-6, named.path)
      }
    }
  }

  func testPaddingOnTheLeft() throws {
    for model in try models() {
      let width = 7
      let batch = TokenBatch(
        ids: Indices(
          rows.flatMap { Array(repeating: 1, count: width - $0.count) + $0 },
          shape: [rows.count, width]),
        keys: rows.map { width - $0.count..<width },
        labels: Indices(
          rows.flatMap { row in
            Array(repeating: TokenBatch.ignored, count: width - row.count)
              + row.enumerated().map { $0 == 0 ? TokenBatch.ignored : $1 }
          }, shape: [rows.count, width]))
      expectClose(model.loss(batch), padded(model, batch), relative: 1e-6, model.modelType)
    }
  }

  func testALabelOnPaddingIsCountedAsTransformersDoes() throws {
    let model = try models()[1]
    let batch = TokenBatch(
      ids: Indices([3, 4, 5, 0], shape: [1, 4]), keys: [0..<3],
      labels: Indices([3, 4, 5, 7], shape: [1, 4]))
    XCTAssertEqual(model.evaluate(batch).count, 3)
    expectClose(model.loss(batch), padded(model, batch), relative: 1e-6)
  }
}
