import Foundation
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Sequence classification by the last token of a decoder.
final class DecoderClassifierTests: XCTestCase {
  func testLogitsAreThoseOfTransformers() throws {
    for item in try EncoderFixture.allDecoders() {
      let model = try item.classifier()
      try withoutGradients {
        expectScores(model(item.rows), try item.tensor("logits"), item.name)
        let (ids, keys) = (item.rows.ids, item.rows.keys)
        let length = ids.shape[1]
        let left = keys.enumerated().flatMap { row, range in
          Array(repeating: 0, count: length - range.count) + ids.row(row).prefix(range.count)
        }
        let padded = TokenRows(
          ids: Indices(left, shape: ids.shape), keys: keys.map { length - $0.count..<length })
        // A row of nothing but padding has its token elsewhere when it stands on the right.
        let rows = Indices(item.name == "gpt2-classes" ? [0, 1] : [0, 1, 2])
        expectScores(
          model(padded).rows(at: rows), try item.tensor("left").rows(at: rows), "\(item.name) left")
        for (row, range) in keys.enumerated() {
          expectScores(
            model(TokenRows([Array(ids.row(row).prefix(range.count))])),
            try item.tensor("logits").rows(at: Indices([Int32(row)])), "\(item.name) \(row)")
        }
      }
    }
  }

  func testWhatStandsForARowCanBeChosen() throws {
    var configuration = TransformerConfiguration.llama(
      vocabularySize: 30, width: 8, feedForwardWidth: 12, layers: 1, heads: 2)
    configuration.labels = ["a", "b"]
    configuration.initializerRange = 0.5
    func logits(_ pooling: SequencePooling, _ rows: [[Int32]]) throws -> [Float] {
      configuration.classifier?.pooling = pooling
      let model = try SequenceClassifier(configuration, from: RandomParameters(seed: 3))
      return withoutGradients { model(TokenRows(rows)) }.array
    }
    // A later token changes nothing at the first one.
    XCTAssertEqual(try logits(.firstToken, [[4, 5, 6]]), try logits(.firstToken, [[4, 9, 9]]))
    expectClose(
      try logits(.lastToken(padding: 6), [[4, 5, 6, 6], [7]]),
      try logits(.lastToken(padding: nil), [[4, 5], [7]]).map(Double.init), absolute: 1e-5)
    let parts = try (1...3).map {
      try logits(.lastToken(padding: nil), [Array([4, 5, 6].prefix($0))])
    }
    let mean = try logits(.mean, [[4, 5, 6], [7]])
    // The head is linear, so that the mean of the scores is the score of the mean.
    for place in 0..<2 {
      XCTAssertEqual(mean[place], parts.reduce(0) { $0 + $1[place] } / 3, accuracy: 1e-5)
    }
  }

  func testANewHeadOnALanguageModel() throws {
    for name in ["gpt2", "llama", "llama-sharded", "mistral", "qwen2"] {
      let folder = Files.fixture("Models/\(name)").path
      let model = try SequenceClassifier(directory: folder, newLabels: ["no", "yes"], seed: 4)
      XCTAssertEqual(model.taskType, "SEQ_CLS")
      let rows = TokenRows([[3, 4, 5], [6]])
      let logits = withoutGradients { model(rows) }
      XCTAssertEqual(logits.shape, [2, 2])
      try Files.withTemporaryFolder { folder in
        try model.save(to: folder.path)
        let path = folder.appendingPathComponent("config.json")
        let json = try JSON(parsing: Data(contentsOf: path))
        XCTAssertEqual(json["id2label"]?["1"]?.string, "yes")
        XCTAssertEqual(
          json["architectures"]?.elements?.first?.string?.hasSuffix("ForSequenceClassification"),
          true)
        let read = try SequenceClassifier(directory: folder.path)
        XCTAssertEqual(read.configuration, model.configuration)
        XCTAssertEqual(withoutGradients { read(rows) }.array, logits.array, name)
        let (problems, checked) = try ModelCheck.check(folder.path)
        XCTAssertEqual(problems, [])
        XCTAssertTrue(checked is SequenceClassifier)
        XCTAssertThrowsError(try CausalLM(directory: folder.path), name) { error in
          switch error as? CheckpointError {
          case .missingTensor(_, "lm_head.weight", _)?: break
          case .unexpectedTensors(_, ["score.weight"])?: break
          default: XCTFail("\(error)")
          }
        }
      }
    }
  }

  func testANewModelIsSavedWithItsLabelsAndItsPadding() throws {
    var gpt2 = TransformerConfiguration.gpt2(
      vocabularySize: 30, width: 8, layers: 1, heads: 2, maximumPositions: 16)
    var llama = TransformerConfiguration.llama(
      vocabularySize: 30, width: 8, feedForwardWidth: 12, layers: 1, heads: 2)
    (gpt2.labels, llama.labels) = (["a", "b", "c"], ["x", "y"])
    gpt2.classifier?.pooling = .lastToken(padding: 7)
    for configuration in [gpt2, llama] {
      let model = try SequenceClassifier(configuration, from: RandomParameters(seed: 1))
      try Files.withTemporaryFolder { folder in
        try model.save(to: folder.path)
        XCTAssertEqual(
          try SequenceClassifier(directory: folder.path).configuration, configuration)
      }
    }
  }

  func testWhatIsNoSingleLabelClassifierIsRefused() throws {
    let item = try EncoderFixture("gpt2-classes")
    let expected = "/config.json: field \"pad_token_id\" is -5, expected the id of a token"
    for (field, value, message) in [
      ("problem_type", "\"regression\"", "only single_label_classification is supported"),
      ("id2label", "{\"0\": \"score\"}", "one label means regression; two or more are supported"),
      ("pad_token_id", "-5", expected),
    ] {
      try item.expectRefused(field, value, message)
    }
  }
}
