import Foundation
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// ViTs are read strictly by the names of either time, and written so that they are read again.
final class ImageFolderTests: XCTestCase {
  func testWhatIsSavedLoadsWithTheSameBits() throws {
    for name in ImageFixture.classifiers {
      let item = try ImageFixture(name)
      let (model, pixels) = (try item.classifier(), try item.pixels())
      try Files.withTemporaryFolder { folder in
        try model.save(to: folder.path)
        let read = try ImageClassifier(directory: folder.path)
        XCTAssertEqual(read.configuration, model.configuration, name)
        XCTAssertEqual(read(pixels).array, model(pixels).array, name)
        XCTAssertTrue(read.parameters(.trainable).isEmpty)
      }
    }
    let item = try ImageFixture("vit-bare")
    let model = try ImageEmbedder(directory: item.folder)
    try Files.withTemporaryFolder { folder in
      try model.save(to: folder.path)
      let read = try ImageEmbedder(directory: folder.path)
      XCTAssertEqual(read(try item.pixels()).array, model(try item.pixels()).array)
    }
  }

  /// The names are those that Transformers writes: those of checkpoints, whatever those in memory are.
  func testTensorsAreNamedAndShapedAsByTransformers() throws {
    for name in ["vit", "vit-bare"] {
      let item = try ImageFixture(name)
      let original = try SafetensorsFile(path: item.folder + "/model.safetensors")
      try Files.withTemporaryFolder { folder in
        if name == "vit" {
          try item.classifier().save(to: folder.path)
        } else {
          try ImageEmbedder(directory: item.folder).save(to: folder.path)
        }
        let saved = try SafetensorsFile(path: folder.path + "/model.safetensors")
        XCTAssertEqual(saved.names.sorted(), original.names.sorted())
        for entry in original.entries {
          XCTAssertEqual(try saved.entry(entry.name).shape, entry.shape)
          XCTAssertEqual(
            try saved.tensor(entry.name).array, try original.tensor(entry.name).array, entry.name)
        }
      }
    }
  }

  func testANewModelIsSavedWithItsLabels() throws {
    var square = TransformerConfiguration.vit(
      imageSize: 12, patchSize: 6, channels: 1, width: 8, layers: 2, heads: 2,
      labels: ["cat", "dog"])
    (square.dropout.residual, square.dropout.attention) = (0.1, 0.2)
    square.dropout.embedding = 0.1
    let uneven = try ImageFixture("vit-uneven").classifier().configuration
    for configuration in [square, uneven] {
      let model = try ImageClassifier(configuration, from: RandomParameters(seed: 2))
      try Files.withTemporaryFolder { folder in
        try model.save(to: folder.path)
        let read = try ImageClassifier(directory: folder.path)
        XCTAssertEqual(read.configuration, configuration)
        XCTAssertEqual(read.probeOutput().array, model.probeOutput().array)
      }
    }
  }

  func testANewHeadOnABareModel() throws {
    let bare = try ImageFixture("vit-bare")
    XCTAssertThrowsError(try bare.classifier()) {
      guard case .missingTensor? = $0 as? CheckpointError else { return XCTFail("\($0)") }
    }
    let labels = ["a", "b", "c", "d"]
    func load(_ folder: String, seed: UInt64 = 1) throws -> ImageClassifier {
      try ImageClassifier(directory: folder, newLabels: labels, seed: seed)
    }
    let model = try load(bare.folder)
    let logits = model(try bare.pixels())
    XCTAssertEqual(logits.shape, [3, 4])
    XCTAssertEqual(logits.array, try load(bare.folder)(bare.pixels()).array)
    XCTAssertNotEqual(logits.array, try load(bare.folder, seed: 2)(bare.pixels()).array)
    try Files.withTemporaryFolder { folder in
      try model.save(to: folder.path)
      let json = try JSON(parsing: Data(contentsOf: folder.appendingPathComponent("config.json")))
      XCTAssertEqual(json["id2label"]?["3"]?.string, "d")
      XCTAssertEqual(
        json["architectures"]?.elements?.first?.string, "ViTForImageClassification")
      let read = try ImageClassifier(directory: folder.path)
      XCTAssertEqual(read(try bare.pixels()).array, logits.array)
    }
    // The head of other classes gives way.
    XCTAssertEqual(try load(ImageFixture("vit").folder).head.outputs, 4)
  }

  func testFoldersOfOtherKindsAreRefused() throws {
    let (vit, bert) = (try ImageFixture("vit").folder, Files.fixture("Models/bert").path)
    for (load, message) in [
      ({ _ = try CausalLM(directory: vit) }, "it reads pictures"),
      ({ _ = try SequenceClassifier(directory: vit) }, "it reads pictures"),
      ({ _ = try SentenceEncoder(directory: vit) }, "it reads pictures"),
      ({ _ = try ImageClassifier(directory: bert) }, "it reads no pictures"),
      ({ _ = try ImageEmbedder(directory: bert) }, "it reads no pictures"),
    ] as [(() throws -> Void, String)] {
      XCTAssertThrowsError(try load()) { XCTAssertTrue("\($0)".contains(message), "\($0)") }
    }
  }

  func testUnknownTensorsAndWrongFieldsAreRefused() throws {
    let item = try ImageFixture("vit")
    for (field, value, message) in [
      ("image_size", JSON.integer(9), "expected multiples of patch_size (4 x 4)"),
      ("image_size", .array([.integer(8)]), "expected a number from 1 to 65535, or two of them"),
      ("num_channels", .integer(1), "has shape [16, 3, 4, 4], expected [16, 1, 4, 4]"),
      ("hidden_size", .integer(18), "expected a multiple of num_attention_heads (4)"),
      ("hidden_act", .string("mish"), "supported are gelu"),
      ("use_registers", .bool(true), "has fields that would be ignored"),
    ] {
      try Files.withTemporaryFolder { folder in
        try item.classifier().save(to: folder.path)
        let path = folder.appendingPathComponent("config.json")
        let members = try XCTUnwrap(JSON(parsing: Data(contentsOf: path)).members)
        let json = JSON.object(members.filter { $0.name != field } + [.init(field, value)])
        try json.text(.indented).write(to: path, atomically: false, encoding: .utf8)
        XCTAssertThrowsError(try ImageClassifier(directory: folder.path), field) {
          XCTAssertTrue("\($0)".contains(message), "\($0)")
        }
      }
    }
    try Files.withTemporaryFolder { folder in
      let model = try item.classifier()
      try model.save(to: folder.path)
      // One name of memory among those of checkpoints is read, a tensor that stands there twice is not.
      let extra = "vit.layers.0.mlp.fc1.weight"
      let file = try SafetensorsFile(path: item.folder + "/model.safetensors")
      let tensors: [SafetensorsFile.Item] =
        try file.names.map { .init($0, try file.tensor($0)) }
        + [.init(extra, Tensor(zeros: [24, 16]))]
      try SafetensorsFile.write(tensors, to: folder.path + "/model.safetensors")
      expectError(
        CheckpointError.unexpectedTensors(
          path: folder.path, tensors: ["vit.encoder.layer.0.intermediate.dense.weight"])
      ) { _ = try ImageClassifier(directory: folder.path) }
    }
  }

  func testWeightsInFewerBits() throws {
    let item = try ImageFixture("vit")
    for precision in [Precision.bfloat16, .nf4] {
      let model = try ImageClassifier(directory: item.folder, precision: precision)
      XCTAssertLessThan(model.byteCount(), try item.classifier().byteCount())
      let pixels = try item.pixels()
      try Files.withTemporaryFolder { folder in
        try model.save(to: folder.path, as: .bfloat16)
        let read = try ImageClassifier(directory: folder.path)
        XCTAssertEqual(read(pixels).shape, [3, 3])
        if precision == .nf4 { XCTAssertLessThan(read.byteCount(), 30_000) }
      }
    }
  }
}
