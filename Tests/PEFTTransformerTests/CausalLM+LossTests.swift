import Foundation
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class CausalLMLossTests: XCTestCase {
  func testLossWithPaddingAndIgnoredLabelsEqualsTransformers() throws {
    for item in try ModelFixture.all() {
      let expected = Double(try item.tensor("loss").item)
      let batch = try item.batch()
      XCTAssertNoThrow(try item.model.check(batch))
      let loss = item.model.loss(batch, isTraining: false)
      XCTAssertEqual(Double(loss.item), expected, accuracy: 1e-5 * expected, item.name)
      let (sum, count) = item.model.evaluate(batch)
      XCTAssertEqual(count, 11 - 3 + 6 - 1, item.name)
      XCTAssertEqual(count, batch.targetCount)
      XCTAssertEqual(sum / Double(count), expected, accuracy: 1e-5 * expected, item.name)
    }
  }

  func testLabelSmoothingIsTheMeanOverAllClasses() throws {
    let item = try ModelFixture("qwen2")
    let batch = TokenBatch(rows: [item.rows[0]])
    let logits = item.model(batch.ids).matrix.array.map(Double.init)
    let size = item.model.configuration.vocabularySize
    var expected = 0.0
    for place in 1..<item.rows[0].count {
      let row = logits[(place - 1) * size..<place * size]
      let top = row.max() ?? 0
      let logSum = top + log(row.reduce(0) { $0 + exp($1 - top) })
      let target = row[row.startIndex + Int(item.rows[0][place])]
      expected += 0.9 * (logSum - target) + 0.1 * (logSum - row.reduce(0, +) / Double(size))
    }
    expected /= Double(item.rows[0].count - 1)
    let loss = item.model.loss(batch, isTraining: false, smoothing: 0.1).item
    XCTAssertEqual(Double(loss), expected, accuracy: 1e-5 * expected)
  }

  func testWithoutLabelsTheLossIsNotANumberAndTheSumIsZero() throws {
    let model = try ModelFixture("gpt2").model
    let batch = TokenBatch(rows: [[1, 2, 3]], labels: [[-100, -100, -100]])
    XCTAssertTrue(model.loss(batch).item.isNaN)
    let (sum, count) = model.evaluate(batch)
    XCTAssertEqual(sum, 0)
    XCTAssertEqual(count, 0)
    // The first token is never predicted.
    XCTAssertEqual(TokenBatch(rows: [[5]]).targetCount, 0)
  }

  func testRecomputedActivationsGiveTheSameBits() throws {
    for item in try ModelFixture.all() {
      item.model.unfreeze()
      let batch = try item.batch()
      func gradients(checkpointed: Bool) -> (loss: Float, gradients: [[Float]?], drawn: UInt64) {
        item.model.decoder.checkpointsActivations = checkpointed
        item.model.dropoutKeys = DropoutKeys(seed: 3)
        let parameters = item.model.parameters(.trainable)
        for named in parameters { named.parameter.gradient = nil }
        let loss = item.model.loss(batch)
        loss.backward()
        return (
          loss.item, parameters.map { $0.parameter.gradient?.array },
          item.model.dropoutKeys.drawn
        )
      }
      let (plain, again) = (gradients(checkpointed: false), gradients(checkpointed: true))
      XCTAssertEqual(plain.loss.bitPattern, again.loss.bitPattern, item.name)
      XCTAssertEqual(plain.drawn, again.drawn, item.name)
      XCTAssertEqual(plain.gradients.count, item.model.parameters().count, item.name)
      for (a, b) in zip(plain.gradients, again.gradients) {
        XCTAssertNotNil(a, item.name)
        XCTAssertEqual(a?.map(\.bitPattern), b?.map(\.bitPattern), item.name)
      }
    }
  }

  func testGradientIsTheSlopeOfTheLoss() throws {
    for name in ["gpt2", "llama", "qwen2-window", "llama-dynamic"] {
      let item = try ModelFixture(name)
      let batch = try item.batch()
      item.model.unfreeze()
      item.model.loss(batch, isTraining: false).backward()
      for named in item.model.parameters() {
        let gradient = try XCTUnwrap(named.parameter.gradient).array
        let values = named.parameter.value.array
        let place = gradient.indices.max { abs(gradient[$0]) < abs(gradient[$1]) } ?? 0
        let step: Float = 1e-2
        func loss(_ shift: Float) -> Double {
          var moved = values
          moved[place] += shift
          named.parameter.value = Tensor(moved, shape: named.parameter.shape)
          let (sum, count) = item.model.evaluate(batch)
          return sum / Double(count)
        }
        // Fourth order, so that a step large enough for float32 is small enough for the curvature.
        let near = loss(step) - loss(-step)
        let far = loss(2 * step) - loss(-2 * step)
        let slope = (8 * near - far) / (12 * Double(step))
        named.parameter.value = Tensor(values, shape: named.parameter.shape)
        XCTAssertEqual(
          Double(gradient[place]), slope, accuracy: 1e-2 * abs(slope) + 1e-4,
          "\(name) \(named.path)")
      }
    }
  }
}
