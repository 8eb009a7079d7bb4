import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class GreedyHeadTests: XCTestCase {
  /// The tokens with a screen and without.
  private func tokens(
    _ model: CausalLM, _ prompt: [Int32], _ count: Int, change: (Int) -> Void = { _ in }
  ) throws -> [[Int32]] {
    try [true, false].map { screensHead in
      var step = 0
      return try model.generate(
        [prompt], GenerationLimits(newTokens: count), screensHead: screensHead
      ) { _, _ in
        step += 1
        change(step)
        return true
      }[0]
    }
  }

  func testTokensAreThoseOfAllLogits() throws {
    for item in try ModelFixture.all() {
      XCTAssertNotNil(GreedyHead(item.model.head), item.name)
      for row in item.rows {
        let tokens = try tokens(item.model, row, 12)
        XCTAssertEqual(tokens[0], tokens[1], item.name)
      }
    }
  }

  func testTokensOfARealModelAreThoseOfAllLogits() throws {
    let model = try CausalLM(directory: Files.shared("data/stories260K-hf").path)
    for first in [1, 403, 77] as [Int32] {
      let tokens = try tokens(model, [1, first], 120)
      XCTAssertEqual(tokens[0], tokens[1])
    }
  }

  /// How few rows a trained head leaves to be multiplied in float32.
  func testAHeadInUseLeavesFewRows() throws {
    let model = try CausalLM(directory: Files.shared("data/stories260K-hf").path)
    let screen = try XCTUnwrap(ScreenedMatrix(model.head.weight.value))
    let tokens = [1] + (try model.generate([[1]], GenerationLimits(newTokens: 100))[0])
    let count = tokens.count
    let context = ForwardContext(
      visible: .rows([0..<count], queries: count, past: 0),
      positions: Indices((0..<Int32(count)).map { $0 }, shape: [1, count]), sequenceLength: count)
    let ids = Indices(tokens, shape: [1, count])
    let hidden = withoutGradients { model.decoder.norm(model.decoder(ids, context)) }.matrix
    let examined = (0..<count).map { place in
      let row = hidden.rows(at: Indices([Int32(place)]))
      return screen.largestProduct(with: row)?.examined ?? 512
    }
    XCTAssertLessThanOrEqual(examined.max() ?? 512, 8)
  }

  func testLogitsThatAreMoreThanProductsAreAllComputed() throws {
    let item = try ModelFixture("gpt2-untied")
    let plain = try tokens(item.model, item.rows[0], 12)
    item.model.head.adapter = Negation()
    XCTAssertNil(GreedyHead(item.model.head))
    let turned = try tokens(item.model, item.rows[0], 12)
    XCTAssertEqual(turned[0], turned[1])
    XCTAssertNotEqual(turned[0], plain[0])
    item.model.head.adapter = nil
    item.model.head.store(as: .bfloat16)
    XCTAssertNil(GreedyHead(item.model.head))
  }

  func testAHeadThatChangesMeanwhileIsComputed() throws {
    for name in ["gpt2", "gpt2-untied"] {
      let item = try ModelFixture(name)
      let (head, original) = (item.model.head, item.model.head.weight.value)
      let negated = original.affine(-1, 0)
      let changed = try tokens(item.model, item.rows[0], 12) { step in
        head.weight.value = step >= 5 && step < 12 ? negated : original
      }
      XCTAssertEqual(changed[0], changed[1], name)
      let kept = try tokens(item.model, item.rows[0], 12)
      XCTAssertNotEqual(changed[0], kept[0], name)
      // A weight that stands in for it, as while adapters are compared.
      let other = try tokens(item.model, item.rows[0], 12) { step in
        head.weight.substitute = step >= 5 && step < 12 ? Parameter(negated) : nil
      }
      XCTAssertEqual(other[0], other[1], name)
      XCTAssertNotEqual(other[0], kept[0], name)
      // And one in training, changed in place.
      head.weight.isTrainable = true
      let trained = try tokens(item.model, item.rows[0], 12) { step in
        if step == 5 {
          head.weight.makeValueUnique()
          head.weight.value.overwrite(with: negated.array)
        }
        if step == 12 { head.weight.value = original }
      }
      XCTAssertEqual(trained[0], trained[1], name)
      XCTAssertNotEqual(trained[0], kept[0], name)
    }
  }

  func testNumbersThatAreNotFiniteAreFound() throws {
    let item = try ModelFixture("llama")
    var values = item.model.head.weight.value.array
    values[3] = .nan
    item.model.head.weight.value = Tensor(values, shape: item.model.head.weight.shape)
    XCTAssertNil(GreedyHead(item.model.head))
    for screensHead in [true, false] {
      expectError(ModelError.notFinite(row: 0, step: 0)) {
        _ = try item.model.generate(
          [item.rows[0]], GenerationLimits(newTokens: 8), screensHead: screensHead)
      }
    }
  }

  func testAScreenIsMadeWhereItPays() throws {
    let large = Linear(weight: Parameter(Tensor(zeros: [1 << 12, 1 << 10])))
    XCTAssertTrue(GreedyHead.pays(large, newTokens: 16))
    XCTAssertFalse(GreedyHead.pays(large, newTokens: 15))
    XCTAssertFalse(GreedyHead.pays(try ModelFixture("gpt2").model.head, newTokens: 1000))
  }
}

/// Turns the order of logits around.
private final class Negation: LinearAdapter {
  var members: Members { [:] }

  func forward(_ input: Tensor, base: Linear, _ context: ForwardContext) -> Tensor {
    base.project(input).affine(-1, 0)
  }
}
