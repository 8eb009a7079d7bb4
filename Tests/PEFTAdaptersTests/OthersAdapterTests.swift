import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// An adapter that others trained and published: LoRA of GPT-2 as a classifier.
final class OthersAdapterTests: XCTestCase {
  private static let labels = ["sadness", "joy", "love", "anger", "fear", "surprise"]

  /// A base of the shape that the adapter is for, without what it does not touch.
  private func base() throws -> SequenceClassifier {
    var configuration = TransformerConfiguration.gpt2(
      vocabularySize: 64, width: 768, layers: 12, heads: 12, maximumPositions: 32)
    configuration.feedForwardWidth = 32
    configuration.labels = Self.labels
    configuration.classifier?.pooling = .lastToken(padding: 0)
    return try SequenceClassifier(configuration, from: TiledParameters())
  }

  func testItLoadsWithItsHead() throws {
    let folder = try Files.shared("data/gpt2-lora-emotion").path
    let model = try base()
    let rows = TokenRows([[5, 6, 7, 8], [9, 10]])
    let before = withoutGradients { model(rows) }
    let adapter = try model.loadAdapter(folder)
    XCTAssertEqual(adapter.loadingReport.unexpected, [])
    let file = try SafetensorsFile(path: folder + "/adapter_model.safetensors")
    XCTAssertEqual(
      model.parameters().reduce(0) { $0 + ($1.path.contains("lora") ? 1 : 0) },
      file.names.count - 1)
    let score = try file.tensor("base_model.model.score.weight")
    XCTAssertEqual(model.head.output.weight.tensor.array, score.array)
    XCTAssertNotEqual(withoutGradients { model(rows) }.array, before.array)
    try model.detach("default")
    XCTAssertEqual(withoutGradients { model(rows) }.array, before.array)
  }

  func testItsLogitsAreThoseOfPEFT() throws {
    let shared = try Files.shared("data/gpt2-lora-emotion")
    let python = try Python(importing: "peft", "safetensors")
    try Files.withTemporaryFolder { root in
      let model = try base()
      try model.save(to: root.path + "/base")
      try FileManager.default.createSymbolicLink(
        at: root.appendingPathComponent("adapter"), withDestinationURL: shared)
      try model.loadAdapter(root.path + "/adapter")
      let rows = model.sampleRows
      try SafetensorsFile.write(
        [
          .init("ids", rows.ids), .init("lengths", Indices(rows.keys.map { Int32($0.count) })),
          .init("logits", model.sample),
        ], to: root.path + "/logits.safetensors")
      let script = Files.fixture("Adapters/check_adapter.py").path
      let run = try python([script, root.path])
      XCTAssertEqual(run.exitCode, 0, run.output + run.errors)
    }
  }
}

/// Random numbers that repeat, since a model of this width would take long to draw.
private final class TiledParameters: ParameterSource {
  private let tile: [Float]

  init() {
    var random = SeededRandom(7)
    tile = random.tensor([4099], in: -0.06...0.06).array
  }

  func parameter(
    _ path: String, _ shape: [Int], _ initial: InitialValue
  ) throws(CheckpointError) -> Parameter {
    if initial == .ones { return Parameter(Tensor(repeating: 1, shape: shape), isTrainable: false) }
    let count = shape.reduce(1, *)
    var values: [Float] = []
    values.reserveCapacity(count + tile.count)
    while values.count < count { values += tile }
    values.removeLast(values.count - count)
    return Parameter(Tensor(values, shape: shape), isTrainable: false)
  }
}
