import Foundation
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Encoders are read strictly, and written so that they are read again.
final class EncoderFolderTests: XCTestCase {
  func testWhatIsSavedLoadsWithTheSameBits() throws {
    for item in try EncoderFixture.all() + EncoderFixture.allDecoders() {
      let model = try item.classifier()
      try Files.withTemporaryFolder { folder in
        try model.save(to: folder.path)
        let read = try SequenceClassifier(directory: folder.path)
        XCTAssertEqual(read.configuration, model.configuration, item.name)
        XCTAssertEqual(read(item.rows).array, model(item.rows).array, item.name)
        XCTAssertTrue(read.parameters(.trainable).isEmpty)
      }
    }
  }

  func testANewModelIsSavedWithItsLabels() throws {
    var bert = TransformerConfiguration.bert(
      vocabularySize: 40, width: 16, layers: 2, heads: 2, maximumPositions: 32,
      labels: ["no", "yes", "perhaps"])
    bert.initializerRange = 0.3
    bert.classifier?.dropout = 0.2
    var configurations = [bert]
    for name in ["roberta", "distilbert"] {
      var read = try EncoderFixture(name).classifier().configuration
      read.labels = ["a", "b"]
      configurations.append(read)
    }
    for configuration in configurations {
      let model = try SequenceClassifier(configuration, from: RandomParameters(seed: 2))
      try Files.withTemporaryFolder { folder in
        try model.save(to: folder.path)
        let read = try SequenceClassifier(directory: folder.path)
        XCTAssertEqual(read.configuration, configuration)
        let rows = TokenRows([[1, 2, 3], [4]])
        XCTAssertEqual(read(rows).array, model(rows).array)
      }
    }
  }

  func testANewHeadOnAnEncoder() throws {
    for item in try EncoderFixture.all() {
      try Files.withTemporaryFolder { folder in
        let encoder = try SentenceEncoder(directory: item.folder)
        try encoder.save(to: folder.path)
        func load(_ labels: [String]?, seed: UInt64 = 1) throws -> SequenceClassifier {
          try SequenceClassifier(directory: folder.path, newLabels: labels, seed: seed)
        }
        XCTAssertThrowsError(try load(nil), item.name) {
          guard case .missingTensor? = $0 as? CheckpointError else { return XCTFail("\($0)") }
        }
        // The earlier head may have been of another kind.
        let path = folder.appendingPathComponent("config.json")
        let fields = try JSON(parsing: Data(contentsOf: path)).members ?? []
        let kind = JSON.Member("problem_type", .string("multi_label_classification"))
        try Data(JSON.object(fields + [kind]).text(.compact).utf8).write(to: path)
        let model = try load(["a", "b", "c", "d", "e"])
        let logits = model(item.rows)
        XCTAssertEqual(logits.shape, [3, 5])
        XCTAssertEqual(logits.array, try load(["a", "b", "c", "d", "e"])(item.rows).array)
        XCTAssertNotEqual(
          logits.array, try load(["a", "b", "c", "d", "e"], seed: 2)(item.rows).array)

        try model.save(to: folder.path)
        let json = try JSON(parsing: Data(contentsOf: path))
        XCTAssertEqual(json["id2label"]?["4"]?.string, "e")
        XCTAssertEqual(json["architectures"]?.elements?.first?.string, model.architecture)
        XCTAssertEqual(try load(nil)(item.rows).array, logits.array)
      }
      // The first map of the head is kept where there is one.
      let own = try item.classifier()
      let other = try SequenceClassifier(directory: item.folder, newLabels: ["x", "y"])
      XCTAssertEqual(other.head.dense?.weight.value.array, own.head.dense?.weight.value.array)
    }
  }

  func testWhatIsNoSingleLabelClassifierIsRefused() throws {
    let item = try EncoderFixture("bert")
    for (field, value, message) in [
      ("problem_type", "\"regression\"", "only single_label_classification is supported"),
      ("id2label", "{\"0\": \"score\"}", "one label means regression; two or more are supported"),
    ] {
      try item.expectRefused(field, value, message)
    }
    XCTAssertThrowsError(
      try SentenceEncoder(directory: Files.fixture("Models/gpt2").path)
    ) {
      XCTAssertTrue(
        "\($0)".hasSuffix("it is no encoder; load it as CausalLM or SequenceClassifier"), "\($0)")
    }
    XCTAssertThrowsError(try CausalLM(directory: item.folder)) {
      XCTAssertTrue("\($0)".contains("it is an encoder"), "\($0)")
    }
  }

  func testUnknownTensorsAndFieldsAreRefused() throws {
    let item = try EncoderFixture("bert")
    try Files.withTemporaryFolder { folder in
      let model = try item.classifier()
      try model.save(to: folder.path)
      let extra = "bert.encoder.layer.2.output.dense.weight"
      let tensors: [SafetensorsFile.Item] =
        model.parameters().map { .init($0.path, $0.parameter.value) }
        + [.init(extra, Tensor(zeros: [2]))]
      try SafetensorsFile.write(tensors, to: folder.path + "/model.safetensors")
      expectError(
        CheckpointError.unexpectedTensors(path: folder.path, tensors: [extra])
      ) { _ = try SequenceClassifier(directory: folder.path) }
    }
    try Files.withTemporaryFolder { folder in
      try item.classifier().save(to: folder.path)
      let path = folder.appendingPathComponent("config.json")
      let members = try XCTUnwrap(JSON(parsing: Data(contentsOf: path)).members)
      let json = JSON.object(members + [.init("embedding_scale", .integer(2))])
      try json.text(.indented).write(to: path, atomically: false, encoding: .utf8)
      expectError(CheckpointError.unreadFields(path: path.path, fields: ["embedding_scale"])) {
        _ = try SequenceClassifier(directory: folder.path)
      }
      XCTAssertNoThrow(try SequenceClassifier(directory: folder.path, .ignoringUnknownFields))
    }
  }
}
