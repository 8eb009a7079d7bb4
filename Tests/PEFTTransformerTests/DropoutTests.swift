import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class DropoutTests: XCTestCase {
  private func model(
    _ change: (inout TransformerConfiguration.Dropout) -> Void
  ) throws -> CausalLM {
    var configuration = TransformerConfiguration.gpt2(
      vocabularySize: 20, width: 16, layers: 2, heads: 2, maximumPositions: 32)
    configuration.initializerRange = 0.3
    change(&configuration.dropout)
    return try CausalLM(configuration, from: RandomParameters(seed: 5))
  }

  private let batch = TokenBatch(rows: [[1, 2, 3, 4, 5, 6], [7, 8, 9]])

  func testOnlyTrainingDrops() throws {
    let plain = try model { _ in }
    let places: [WritableKeyPath<TransformerConfiguration.Dropout, Float>] = [
      \.embedding, \.attention, \.residual,
    ]
    for place in places {
      let model = try model { $0[keyPath: place] = 0.5 }
      let expected = plain.loss(batch).item
      XCTAssertEqual(model.loss(batch, isTraining: false).item, expected)
      XCTAssertEqual(model.evaluate(batch).sum, plain.evaluate(batch).sum)
      XCTAssertEqual(model(batch.ids).array, plain(batch.ids).array)
      XCTAssertEqual(model.dropoutKeys.drawn, 0)
      XCTAssertNotEqual(model.loss(batch).item, expected)
    }
    XCTAssertEqual(plain.dropoutKeys.drawn, 0, "nothing is drawn where nothing is dropped")
  }

  func testMasksFollowFromTheSeedAndChangeFromStepToStep() throws {
    let model = try model { ($0.embedding, $0.attention, $0.residual) = (0.1, 0.2, 0.3) }
    func losses(_ seed: UInt64) -> [Float] {
      model.dropoutKeys = DropoutKeys(seed: seed)
      return (0..<4).map { _ in model.loss(batch).item }
    }
    let first = losses(1)
    XCTAssertEqual(losses(1), first)
    XCTAssertNotEqual(losses(2), first)
    XCTAssertEqual(Set(first).count, 4)
    // One for the embedding, and three for each of two blocks.
    XCTAssertEqual(model.dropoutKeys.drawn, 4 * 7)
    model.dropoutKeys.drawn = 0
    XCTAssertEqual(model.loss(batch).item, losses(2)[0])
  }

  func testAttentionDropoutKeepsTheMeanAndHasTheVarianceOfIndependentMasks() throws {
    // Values of ones: the output of a head is the sum of its kept probabilities, each divided by 1 - p. Over masks its
    // mean is 1 and its variance p / (1 - p) times the sum of the squared probabilities, here 1 / T.
    let (length, p) = (16, Float(0.25))
    let queries = Tensor(zeros: [1, length, 4])
    let ones = Tensor(repeating: 1, shape: [1, length, 4])
    let spans = AttentionSpans(keys: [0..<length], queries: length, isCausal: false)
    let keys = DropoutKeys(seed: 9)
    var samples: [Double] = []
    for _ in 0..<400 {
      let out = queries.attention(
        keys: ones, values: ones, headWidth: 2, spans: spans, scale: 1, dropout: p,
        dropoutKey: keys.next())
      // Both columns of a head have the same mask; every head and query has its own.
      let values = out.array
      samples += stride(from: 0, to: values.count, by: 2).map { Double(values[$0]) }
    }
    let count = Double(samples.count)
    let mean = samples.reduce(0, +) / count
    let variance = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let expected = Double(p / (1 - p)) / Double(length)
    // Five standard errors.
    XCTAssertEqual(mean, 1, accuracy: 5 * (expected / count).squareRoot())
    XCTAssertEqual(variance, expected, accuracy: 5 * expected * (2 / count).squareRoot())
  }
}
