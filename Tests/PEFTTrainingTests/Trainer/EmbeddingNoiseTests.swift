import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class EmbeddingNoiseTests: XCTestCase {
  private let width = 16

  /// A model whose blocks add nothing, so that its hidden states are its embeddings.
  private func model() throws -> CausalLM {
    let model = try TinyModel.make()
    for named in model.parameters() where named.path.contains("c_proj") {
      named.parameter.value = Tensor(zeros: named.parameter.shape)
    }
    return model
  }

  private func noise(
    _ model: CausalLM, _ lengths: [Int], keys: DropoutKeys, padded: Bool
  ) -> [Float] {
    let longest = lengths.max() ?? 0
    let rows = lengths.map { (0..<(padded ? longest : $0)).map { Int32($0) } }
    let ids = rows.flatMap { $0 }
    let shape = padded ? [rows.count, longest] : [1, ids.count]
    var start = 0
    let segments = lengths.map { length in
      defer { start += length }
      return start..<start + length
    }
    let visible: VisibleKeys =
      padded
      ? .rows(lengths.map { 0..<$0 }, queries: longest, past: 0) : .segments(segments)
    func hidden(_ keys: DropoutKeys?) -> [Float] {
      withoutGradients {
        model.decoder(
          Indices(ids, shape: shape),
          ForwardContext(
            visible: visible, positions: Indices(ids, shape: shape), dropout: keys,
            sequenceLength: longest)
        ).array
      }
    }
    return zip(hidden(keys), hidden(nil)).map { $0 - $1 }
  }

  func testNoiseIsUniformWithinTheBoundOfThePaper() throws {
    let model = try model()
    model.embeddingNoise = 5
    for padded in [false, true] {
      let lengths = [20, 7]
      let found = noise(model, lengths, keys: DropoutKeys(seed: 3), padded: padded)
      var start = 0
      for length in lengths {
        let part = found[start..<start + length * width].map(Double.init)
        start += (padded ? 20 : length) * width
        let bound = 5 / Double(length * width).squareRoot()
        let largest = part.map(abs).max() ?? 0
        // Sums with embeddings are rounded.
        XCTAssertLessThanOrEqual(largest, bound + 1e-6)
        XCTAssertGreaterThan(largest, 0.9 * bound)
        let count = Double(part.count)
        let variance = part.reduce(0) { $0 + $1 * $1 } / count
        // The fourth moment of a uniform distribution makes the deviation of its variance.
        XCTAssertEqual(
          variance, bound * bound / 3, accuracy: 4 * bound * bound * 0.3 / count.squareRoot())
        XCTAssertEqual(part.reduce(0, +) / count, 0, accuracy: 4 * bound / (3 * count).squareRoot())
      }
      if padded { XCTAssertTrue(found[(20 + 7) * width..<40 * width].allSatisfy { $0 == 0 }) }
    }
  }

  func testTheKeysDecide() throws {
    let model = try model()
    XCTAssertEqual(noise(model, [4], keys: DropoutKeys(seed: 3), padded: false).max(), 0)
    model.embeddingNoise = 5
    let keys = DropoutKeys(seed: 3)
    let first = noise(model, [4], keys: keys, padded: false)
    XCTAssertEqual(keys.drawn, 1)
    XCTAssertNotEqual(noise(model, [4], keys: keys, padded: false), first)
    keys.drawn = 0
    XCTAssertEqual(noise(model, [4], keys: keys, padded: false), first)
  }

  func testOnlyTheTrainingLossHasIt() throws {
    let model = try TinyModel.make()
    let (ids, labels) = TinyModel.rows(3, seed: 1)
    let batch = TokenBatch(rows: ids, labels: labels)
    let quiet = (model.loss(batch).item, model.evaluate(batch).sum)
    model.embeddingNoise = 5
    XCTAssertNotEqual(model.loss(batch).item, quiet.0)
    XCTAssertEqual(model.loss(batch, isTraining: false).item, quiet.0)
    XCTAssertEqual(model.evaluate(batch).sum, quiet.1)
  }

  func testEveryModelHasIt() throws {
    var gpt2 = TransformerConfiguration.gpt2(vocabularySize: 23, width: 16, layers: 1, heads: 2)
    gpt2.labels = ["a", "b"]
    let bert = TransformerConfiguration.bert(vocabularySize: 23, width: 16, layers: 1, heads: 2)
    let source = RandomParameters(seed: 1)
    let rows = TokenRows([[3, 4, 5, 6], [7, 8]])
    let classes = ClassificationBatch(rows, labels: [0, 1])
    let tokens = TokenLabelBatch(
      rows, labels: Indices([0, 1, 1, -100, 1, 0, -100, -100], shape: [2, 4]))
    let (ids, labels) = TinyModel.rows(3, seed: 1)
    try check(CausalLM(gpt2, from: source), TokenBatch(rows: ids, labels: labels))
    try check(SequenceClassifier(gpt2, from: source), classes)
    try check(SequenceClassifier(bert, from: source), classes)
    try check(TokenClassifier(bert, from: source), tokens)
    try check(MaskedLM(bert, from: source), tokens)
  }

  /// Fails unless the noise of a model changes its training loss alone, and can be drawn again.
  private func check<Model: TrainableModel & TextModel>(
    _ model: Model, _ batch: Model.Batch, file: StaticString = #filePath, line: UInt = #line
  ) {
    let name = "\(Model.self) of \(model.configuration.modelType)"
    let quiet = model.loss(batch).item
    let evaluated = model.evaluate(batch).sum
    XCTAssertEqual(model.loss(batch).item, quiet, name, file: file, line: line)
    model.embeddingNoise = 5
    XCTAssertEqual(model.body.embeddingNoise, 5, name, file: file, line: line)
    let state = model.randomState
    let noisy = model.loss(batch).item
    XCTAssertNotEqual(noisy, quiet, name, file: file, line: line)
    XCTAssertNotEqual(model.loss(batch).item, noisy, name, file: file, line: line)
    model.randomState = state
    XCTAssertEqual(model.loss(batch).item, noisy, name, file: file, line: line)
    XCTAssertEqual(model.evaluate(batch).sum, evaluated, name, file: file, line: line)
  }
}
