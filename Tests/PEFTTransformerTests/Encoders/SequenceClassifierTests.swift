import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class SequenceClassifierTests: XCTestCase {
  func testLogitsAreThoseOfTransformers() throws {
    for item in try EncoderFixture.all() {
      let model = try item.classifier()
      withoutGradients {
        expectScores(model(item.rows), try? item.tensor("logits"), item.name)
        expectScores(model(item.plain), try? item.tensor("plain"), "\(item.name) plain")
      }
    }
  }

  func testPaddingOnTheLeftAndByItselfMakesNoDifference() throws {
    for item in try EncoderFixture.all() {
      let model = try item.classifier()
      let length = item.rows.ids.shape[1]
      let count = item.plain.keys[1].count
      let row = Array(item.plain.ids.row(1).prefix(count))
      let left = Indices(
        Array(repeating: 0, count: length - count) + row, shape: [1, length])
      let padded = model(TokenRows(ids: left, keys: [length - count..<length]))
      let alone = model(TokenRows([row]))
      expectScores(padded, alone, item.name)
    }
  }

  func testLossAndGradientsAreThoseOfTransformers() throws {
    for item in try EncoderFixture.all() + EncoderFixture.allDecoders() {
      let model = try item.classifier()
      model.unfreeze()
      let loss = model.loss(item.batch, isTraining: false)
      expectScores(loss, try item.tensor("loss"), "\(item.name) loss")
      let evaluation = model.evaluate(item.batch)
      XCTAssertEqual(evaluation.count, 3)
      XCTAssertEqual(evaluation.sum / 3, Double(loss.item), accuracy: 1e-5)
      loss.backward()
      for name in item.gradients {
        let gradient = try XCTUnwrap(
          model.parameters().first { $0.path == name }?.parameter.gradient, name)
        expectScores(gradient, try item.tensor("gradient.\(name)"), "\(item.name) \(name)")
      }
    }
  }

  func testGradientsAreTheSameWithCheckpointing() throws {
    let item = try EncoderFixture("bert")
    let model = try item.classifier()
    model.unfreeze()
    model.loss(item.batch).backward()
    let (keys, plain) = (model.dropoutKeys.drawn, model.parameters().map(\.parameter.gradient))
    XCTAssertGreaterThan(keys, 0)
    for named in model.parameters() { named.parameter.gradient = nil }
    model.body.checkpointsActivations = true
    model.dropoutKeys.drawn = 0
    model.loss(item.batch).backward()
    for (named, gradient) in zip(model.parameters(), plain) {
      XCTAssertEqual(named.parameter.gradient?.array, gradient?.array, named.path)
    }
  }

  func testRowsAndLabelsAreChecked() throws {
    let model = try EncoderFixture("bert").classifier()
    func check(_ rows: [[Int32]], types: [[Int32]]? = nil, labels: [Int32] = [0]) throws {
      try model.check(ClassificationBatch(TokenRows(rows, types: types), labels: labels))
    }
    try check([[1, 47]], types: [[0, 1]], labels: [-100])
    expectError(ModelError.tokenOutOfRange(row: 0, place: 1, token: 48, vocabularySize: 48)) {
      try check([[1, 48]])
    }
    expectError(ModelError.tokenTypeOutOfRange(row: 0, place: 1, type: 2, types: 2)) {
      try check([[1, 2]], types: [[0, 2]])
    }
    expectError(ModelError.classOutOfRange(row: 0, label: 3, classes: 3)) {
      try check([[1]], labels: [3])
    }
    expectError(ModelError.empty(row: 1)) { try check([[1], []], labels: [0, 0]) }
    expectError(ModelError.empty(row: 0)) { try check([], labels: []) }
    expectError(ModelError.tooManyTokens(row: 0, tokens: 25, newTokens: 0, maximum: 24)) {
      try check([Array(repeating: 1, count: 25)])
    }
    // Two rows of the table stand before the first token.
    let roberta = try EncoderFixture("roberta").classifier()
    expectError(ModelError.tooManyTokens(row: 0, tokens: 23, newTokens: 0, maximum: 22)) {
      try roberta.check(TokenRows([Array(repeating: 1, count: 23)]))
    }
  }

  func testEveryMemberIsListed() throws {
    for item in try EncoderFixture.allDecoders() {
      XCTAssertEqual(unlistedMembers(of: try item.classifier()), [], item.name)
    }
    for item in try EncoderFixture.all() {
      XCTAssertEqual(unlistedMembers(of: try item.classifier()), [], item.name)
      XCTAssertEqual(unlistedMembers(of: try SentenceEncoder(directory: item.folder)), [])
    }
  }
}

/// Compares with what was computed elsewhere: 1e-5 of the largest, some roundings of single precision.
func expectScores(
  _ actual: Tensor, _ expected: Tensor?, _ message: String, file: StaticString = #filePath,
  line: UInt = #line
) {
  guard let expected else { return XCTFail("\(message): nothing stored", file: file, line: line) }
  expectClose(
    actual.array, expected.array.map(Double.init),
    absolute: 1e-5 * Double(max(1, largest(expected))), message, file: file, line: line)
}
