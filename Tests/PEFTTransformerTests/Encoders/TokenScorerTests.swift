import Foundation
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Masked language models and token classifiers against Transformers; see `make_token_heads.py`.
final class TokenScorerTests: XCTestCase {
  private struct Case {
    let name: String
    let folder: String
    let batch: TokenLabelBatch
    let expected: SafetensorsFile

    init(_ name: String) throws {
      self.name = name
      folder = Files.fixture("Models/\(name)").path
      expected = try SafetensorsFile(path: folder + "/expected.safetensors")
      let keys = try expected.indices("lengths").values.map { 0..<Int($0) }
      let types = expected.names.contains("types") ? try expected.indices("types") : nil
      batch = TokenLabelBatch(
        TokenRows(ids: try expected.indices("ids"), keys: keys, types: types),
        labels: try expected.indices("labels"))
    }

    func model(_ folder: String? = nil) throws -> any TokenScorer {
      name.hasSuffix("-masked")
        ? try MaskedLM(directory: folder ?? self.folder)
        : try TokenClassifier(directory: folder ?? self.folder)
    }

    func scores(_ model: some TokenScorer, _ rows: TokenRows? = nil) -> Tensor {
      withoutGradients { model(rows ?? batch.rows) }
    }
  }

  private func cases() throws -> [Case] {
    try ["bert", "roberta", "distilbert"].flatMap { family in
      try ["masked", "tokens"].map { try Case("\(family)-\($0)") }
    }
  }

  func testScoresAreThoseOfTransformers() throws {
    for item in try cases() {
      let model = try item.model()
      let scores = item.scores(model)
      let expected = try item.expected.tensor("logits")
      XCTAssertEqual(scores.shape, expected.shape)
      expectLogits(scores, expected, keys: item.batch.rows.keys, tolerance: 1e-5, item.name)
      let padding = scores.matrix.rows(at: Indices([Int32(scores.matrix.rows - 1)]))
      XCTAssertTrue(padding.array.allSatisfy { $0 == 0 }, item.name)
    }
  }

  func testLossAndGradientsAreThoseOfTransformers() throws {
    for item in try cases() { try checkLoss(item, try item.model()) }
  }

  private func checkLoss(_ item: Case, _ model: some TokenScorer) throws {
    model.unfreeze()
    let loss = model.loss(item.batch, isTraining: false)
    expectScores(loss, try item.expected.tensor("loss"), "\(item.name) loss")
    let evaluation = model.evaluate(item.batch)
    XCTAssertEqual(evaluation.count, item.batch.targetCount)
    XCTAssertEqual(
      evaluation.sum / Double(evaluation.count), Double(loss.item), accuracy: 1e-5)
    loss.backward()
    for name in item.expected.names where name.hasPrefix("gradient.") {
      let path = String(name.dropFirst(9))
      // Of a tied table and its head there is one gradient.
      let gradient = model.parameters().first { $0.path == path }?.parameter.gradient
      expectScores(
        try XCTUnwrap(gradient, path), try item.expected.tensor(name), "\(item.name) \(path)")
    }
  }

  func testWhatIsSavedLoadsWithTheSameBits() throws {
    for item in try cases() {
      try Files.withTemporaryFolder { folder in
        let model = try item.model()
        try model.save(to: folder.path)
        let read = try item.model(folder.path)
        XCTAssertEqual(read.configuration, model.configuration, item.name)
        XCTAssertEqual(item.scores(read).array, item.scores(model).array, item.name)
        XCTAssertEqual(unlistedMembers(of: read), [], item.name)
      }
    }
  }

  func testANewModelIsSaved() throws {
    let bert = TransformerConfiguration.bert(
      vocabularySize: 40, width: 16, layers: 1, heads: 2, labels: ["O", "NAME"])
    let rows = TokenRows([[1, 2, 3], [4]])
    try Files.withTemporaryFolder { folder in
      let model = try MaskedLM(bert, from: RandomParameters(seed: 2))
      try model.save(to: folder.path)
      let read = try MaskedLM(directory: folder.path)
      XCTAssertEqual(read.configuration, bert)
      XCTAssertEqual(read(rows).array, model(rows).array)
      // A head for words on the same encoder.
      let classifier = try TokenClassifier(
        directory: folder.path, newLabels: ["O", "NAME", "PLACE"], seed: 5)
      XCTAssertEqual(classifier(rows).shape, [2, 3, 3])
      try classifier.save(to: folder.path)
      XCTAssertEqual(
        try TokenClassifier(directory: folder.path)(rows).array, classifier(rows).array)
    }
  }

  /// Files have the bias of a masked language model by either of two names.
  func testTheBiasIsFoundByBothNames() throws {
    let item = try Case("bert-masked")
    let file = try SafetensorsFile(path: item.folder + "/model.safetensors")
    try Files.withTemporaryFolder { folder in
      try FileManager.default.copyItem(
        atPath: item.folder + "/config.json", toPath: folder.path + "/config.json")
      let items = try file.names.map { name in
        let isBias = name == "cls.predictions.bias"
        return SafetensorsFile.Item(
          isBias ? "cls.predictions.decoder.bias" : name, try file.tensor(name))
      }
      try SafetensorsFile.write(items, to: folder.path + "/model.safetensors")
      let (read, own) = (item.scores(try item.model(folder.path)), item.scores(try item.model()))
      XCTAssertEqual(read.array, own.array)
    }
  }

  func testLabelsAreChecked() throws {
    let model = try TokenClassifier(directory: Case("bert-tokens").folder)
    try model.check(TokenLabelBatch([[1, 2], [3]], labels: [[4, -100], [0]]))
    expectError(ModelError.tokenLabelOutOfRange(row: 1, place: 0, label: 5, labels: 5)) {
      try model.check(TokenLabelBatch([[1, 2], [3]], labels: [[4, -100], [5]]))
    }
    expectError(ModelError.labelOnPadding(row: 1, place: 1)) {
      let rows = TokenRows([[1, 2], [3]])
      try model.check(TokenLabelBatch(rows, labels: Indices([4, 0, 0, 0], shape: [2, 2])))
    }
    XCTAssertThrowsError(try MaskedLM(directory: Files.fixture("Models/gpt2").path)) {
      XCTAssertTrue("\($0)".contains("it is no encoder"), "\($0)")
    }
  }

  func testMaskingHidesAShareOfTheTokens() {
    var random = SeededRandom(3)
    let rows = TokenRows([[101] + Array(repeating: 7, count: 20_000) + [102], [101, 102]])
    let batch = TokenLabelBatch(
      masking: rows, with: 103, sparing: [101, 102], vocabularySize: 1000, using: &random)
    let hidden = batch.labels.values.indices.filter { batch.labels.values[$0] != -100 }
    XCTAssertEqual(Double(hidden.count) / 20_000, 0.15, accuracy: 0.01)
    XCTAssertTrue(hidden.allSatisfy { batch.labels.values[$0] == 7 })
    let masks = hidden.count { batch.rows.ids.values[$0] == 103 }
    let same = hidden.count { batch.rows.ids.values[$0] == 7 }
    XCTAssertEqual(Double(masks) / Double(hidden.count), 0.8, accuracy: 0.03)
    XCTAssertEqual(Double(same) / Double(hidden.count), 0.1, accuracy: 0.03)
    XCTAssertEqual(batch.rows.keys, rows.keys)
  }

  /// `$PEFT_PYTHON` names a Python that has Transformers.
  func testTransformersLoadsWhatIsSavedAndComputesTheSame() throws {
    let python = try Python(importing: "transformers", "safetensors")
    try Files.withTemporaryFolder { root in
      var folders: [String] = []
      for item in try cases() where item.name != "roberta-masked" {
        let folder = root.appendingPathComponent(item.name).path
        let model = try item.model()
        try model.save(to: folder)
        let ids = Indices((0..<24).map { 2 + ($0 * 7 + 3) % 46 }, shape: [2, 12])
        try SafetensorsFile.write(
          [.init("ids", ids), .init("logits", item.scores(model, TokenRows(ids: ids)))],
          to: folder + "/probe.safetensors")
        folders.append(folder)
      }
      for item in try EncoderFixture.all() + EncoderFixture.allDecoders() {
        let folder = root.appendingPathComponent(item.name).path
        let model = try item.classifier()
        try model.save(to: folder)
        // Of several rows Transformers takes none without a token of padding.
        let ids = Indices((0..<12).map { 2 + ($0 * 7 + 4) % 46 }, shape: [1, 12])
        try SafetensorsFile.write(
          [.init("ids", ids), .init("logits", withoutGradients { model(TokenRows(ids: ids)) })],
          to: folder + "/probe.safetensors")
        folders.append(folder)
      }
      let run = try python([Files.fixture("Models/check_saved.py").path] + folders)
      XCTAssertEqual(run.exitCode, 0, run.output + run.errors)
    }
  }
}
