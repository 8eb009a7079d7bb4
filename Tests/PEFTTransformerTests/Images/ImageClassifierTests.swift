import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class ImageClassifierTests: XCTestCase {
  func testLogitsAreThoseOfTransformers() throws {
    for name in ImageFixture.classifiers {
      let item = try ImageFixture(name)
      let model = try item.classifier()
      let pixels = try item.pixels()
      withoutGradients { expectScores(model(pixels), try? item.tensor("logits"), name) }
    }
  }

  func testStatesAndVectorsAreThoseOfTransformers() throws {
    for name in ImageFixture.names {
      let item = try ImageFixture(name)
      let model = try ImageEmbedder(directory: item.folder)
      XCTAssertEqual(model.pooler != nil, item.has("pooled"), name)
      let pixels = try item.pixels()
      try withoutGradients {
        let states = try item.tensor("states")
        expectScores(model.states(pixels), states, name)
        let vectors =
          item.has("pooled")
          ? try item.tensor("pooled") : states.sliced(axis: 1, 0..<1).reshaped([3, 16])
        expectScores(model(pixels), vectors, "\(name) vectors")
      }
    }
  }

  func testPositionsAreInterpolatedForPicturesOfAnotherSize() throws {
    let item = try ImageFixture("vit")
    let (model, pixels) = (try item.classifier(), try item.pixels("larger"))
    expectError(
      ModelError.wrongImageSize(
        row: 0, height: 12, width: 20, expected: [8, 8], interpolates: false)
    ) { try model.check(pixels) }
    model.encoder.interpolatesPositions = true
    try model.check(pixels)
    try withoutGradients {
      expectScores(model(pixels), try item.tensor("larger.logits"), "larger")
      expectScores(model(try item.pixels()), try item.tensor("logits"), "the usual size")
    }
    // Fewer patches than positions.
    let bare = try ImageFixture("vit-bare")
    let embedder = try ImageEmbedder(directory: bare.folder)
    embedder.encoder.interpolatesPositions = true
    try withoutGradients {
      let smaller = try bare.pixels("larger")
      expectScores(embedder.states(smaller), try bare.tensor("larger.states"), "smaller")
      expectScores(embedder(smaller), try bare.tensor("larger.pooled"), "smaller vectors")
    }
  }

  func testLossAndGradientsAreThoseOfTransformers() throws {
    for name in ImageFixture.classifiers {
      let item = try ImageFixture(name)
      let model = try item.classifier()
      model.unfreeze()
      let batch = try item.batch()
      let loss = model.loss(batch, isTraining: false)
      expectScores(loss, try item.tensor("loss"), "\(name) loss")
      let evaluation = model.evaluate(batch)
      XCTAssertEqual(evaluation.count, 3)
      XCTAssertEqual(evaluation.sum / 3, Double(loss.item), accuracy: 1e-5)
      loss.backward()
      XCTAssertFalse(item.gradients.isEmpty)
      for path in item.gradients {
        let gradient = try XCTUnwrap(
          model.parameters().first { $0.path == path }?.parameter.gradient, path)
        expectScores(gradient, try item.tensor("gradient.\(path)"), "\(name) \(path)")
      }
    }
  }

  /// Positions are trained through their interpolation as well: the loss is as steep along their gradient as it is long.
  func testGradientsOfInterpolatedPositions() throws {
    let item = try ImageFixture("vit")
    let model = try item.classifier()
    model.encoder.interpolatesPositions = true
    let positions = model.encoder.embeddings.positions
    positions.isTrainable = true
    let batch = ImageClassificationBatch(try item.pixels("larger"), labels: [0, 2])
    model.loss(batch, isTraining: false).backward()
    let gradient = try XCTUnwrap(positions.gradient)
    let (value, norm) = (positions.value.copied(), gradient.sumOfSquares.squareRoot())
    func loss(_ step: Float) -> Double {
      positions.value = withoutGradients { value + gradient * (step / Float(norm)) }
      return withoutGradients { Double(model.loss(batch, isTraining: false).item) }
    }
    XCTAssertEqual((loss(0.01) - loss(-0.01)) / 0.02, norm, accuracy: 1e-2 * norm)
  }

  func testGradientsAreTheSameWithCheckpointing() throws {
    let item = try ImageFixture("vit")
    var configuration = try item.classifier().configuration
    (configuration.dropout.residual, configuration.dropout.attention) = (0.1, 0.2)
    configuration.dropout.embedding = 0.1
    let model = try ImageClassifier(configuration, from: RandomParameters(seed: 3))
    let batch = try item.batch()
    model.loss(batch).backward()
    let (keys, plain) = (model.dropoutKeys.drawn, model.parameters().map(\.parameter.gradient))
    XCTAssertGreaterThan(keys, 0)
    for named in model.parameters() { named.parameter.gradient = nil }
    model.encoder.checkpointsActivations = true
    model.dropoutKeys.drawn = 0
    model.loss(batch).backward()
    for (named, gradient) in zip(model.parameters(), plain) {
      XCTAssertEqual(named.parameter.gradient?.array, gradient?.array, named.path)
    }
  }

  func testPicturesAndLabelsAreChecked() throws {
    let model = try ImageFixture("vit").classifier()
    func batch(_ shape: [Int]) -> PixelBatch {
      PixelBatch(Array(repeating: 0, count: shape.reduce(1, *)), shape: shape)
    }
    try model.check(ImageClassificationBatch(batch([2, 3, 8, 8]), labels: [2, -100]))
    expectError(ModelError.noImages) { try model.check(batch([0, 3, 8, 8])) }
    expectError(ModelError.wrongImageChannels(row: 0, channels: 1, expected: 3)) {
      try model.check(batch([1, 1, 8, 8]))
    }
    expectError(ModelError.classOutOfRange(row: 1, label: 3, classes: 3)) {
      try model.check(ImageClassificationBatch(batch([2, 3, 8, 8]), labels: [0, 3]))
    }
    model.encoder.interpolatesPositions = true
    expectError(
      ModelError.wrongImageSize(row: 0, height: 10, width: 8, expected: [4, 4], interpolates: true)
    ) { try model.check(batch([1, 3, 10, 8])) }
  }

  func testEveryMemberIsListed() throws {
    for name in ImageFixture.names {
      let item = try ImageFixture(name)
      XCTAssertEqual(unlistedMembers(of: try ImageEmbedder(directory: item.folder)), [], name)
    }
    XCTAssertEqual(unlistedMembers(of: try ImageFixture("vit").classifier()), [])
  }
}
