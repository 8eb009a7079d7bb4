import Foundation
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// A tiny classifier that Transformers saved, and what it computed with it; see `make_encoders.py` and `make_classifiers.py`.
struct EncoderFixture {
  static let names = ["bert", "bert-older", "roberta", "distilbert"]
  static let decoders = [
    "gpt2-classes", "llama-classes", "mistral-classes", "qwen2-classes", "qwen3-classes",
    "gemma-classes", "phi3-classes",
  ]

  let name: String
  let folder: String
  let rows: TokenRows
  /// The same tokens without their kinds.
  let plain: TokenRows
  let batch: ClassificationBatch
  private let expected: SafetensorsFile

  init(_ name: String) throws {
    self.name = name
    folder = Files.fixture("Models/\(name)").path
    expected = try SafetensorsFile(path: folder + "/expected.safetensors")
    let (ids, lengths) = (try expected.indices("ids"), try expected.indices("lengths"))
    let keys = lengths.values.map { 0..<Int($0) }
    let types = expected.names.contains("types") ? try expected.indices("types") : nil
    rows = TokenRows(ids: ids, keys: keys, types: types)
    plain = TokenRows(ids: ids, keys: keys)
    batch = ClassificationBatch(rows, labels: try expected.indices("labels").values)
  }

  static func all() throws -> [EncoderFixture] { try names.map(EncoderFixture.init) }
  static func allDecoders() throws -> [EncoderFixture] { try decoders.map(EncoderFixture.init) }

  func classifier() throws -> SequenceClassifier { try SequenceClassifier(directory: folder) }
  func tensor(_ name: String) throws -> Tensor { try expected.tensor(name) }
  func indices(_ name: String) throws -> Indices { try expected.indices(name) }

  /// The parameters whose gradient is stored.
  var gradients: [String] {
    expected.names.filter { $0.hasPrefix("gradient.") }.map { String($0.dropFirst(9)) }
  }

  /// Expects that the classifier is refused once a field of its saved configuration has another value.
  func expectRefused(
    _ field: String, _ value: String, _ message: String, file: StaticString = #filePath,
    line: UInt = #line
  ) throws {
    try Files.withTemporaryFolder { folder in
      try classifier().save(to: folder.path)
      let path = folder.appendingPathComponent("config.json")
      let members = try XCTUnwrap(JSON(parsing: Data(contentsOf: path)).members)
      let kept = members.filter { $0.name != field }
      let json = JSON.object(kept + [.init(field, try JSON(parsing: Data(value.utf8)))])
      try json.text(.indented).write(to: path, atomically: false, encoding: .utf8)
      XCTAssertThrowsError(
        try SequenceClassifier(directory: folder.path), field, file: file, line: line
      ) {
        XCTAssertTrue("\($0)".hasSuffix(message), "\($0)", file: file, line: line)
      }
    }
  }
}
