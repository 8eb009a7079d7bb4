import Foundation
import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class PromptTuningTests: XCTestCase {
  private let families = ["gpt2", "llama", "mistral"]

  private func text(_ tokens: [Int32] = TextBefore.text) -> PromptTuning {
    PromptTuning(virtualTokens: TextBefore.text.count, initialization: .text(tokens))
  }

  func testContract() throws {
    try checkAdapter(PromptTuning(virtualTokens: 3), families: ["gpt2", "llama", "bert"]) {
      ($0.identityTolerance, $0.mergeTolerance) = (nil, nil)
    }
    var method = PromptTuning(virtualTokens: 3)
    method.modulesToSave = ["lm_head", "norm"]
    try checkAdapter(method, families: ["llama"], precisions: [.float32]) {
      ($0.identityTolerance, $0.mergeTolerance) = (nil, nil)
    }
  }

  func testTextIsTheBaseWithTheTextBeforeEverySequence() throws {
    for family in families {
      let item = try TextBefore(family)
      let reference = item.reference()
      try item.model.attach(text())
      let logits = withoutGradients { item.model(item.padded, keys: item.keys) }
      XCTAssertEqual(logits.shape[1], 7)
      item.expect(logits, reference, family)
      let starts = item.rows.map { 7 - $0.count }
      let ids = zip(item.rows, starts).flatMap { Array(repeating: 0, count: $1) + $0 }
      let left = withoutGradients {
        item.model(Indices(ids, shape: [3, 7]), keys: starts.map { $0..<7 })
      }
      item.expect(left, reference, from: starts, family)
    }
  }

  /// The head of a classifier reads the first virtual token, as in PEFT.
  func testClassifiers() throws {
    for family in ["bert", "roberta", "distilbert"] {
      let model = try TestModels.classifier(family)
      let rows: [[Int32]] = [[5, 9, 2, 7, 11, 3, 8], [4], [7, 6, 3, 2, 33, 45, 12]]
      let types: [[Int32]]? =
        family == "bert" ? [[0, 0, 0, 1, 1, 1, 1], [0], [0, 1, 1, 1, 1, 1, 1]] : nil
      let text = TextBefore.text
      let expected = withoutGradients {
        model(
          TokenRows(rows.map { text + $0 }, types: types?.map { text.map { _ in 0 } + $0 }))
      }
      let adapter = try model.attach(self.text())
      let found = withoutGradients { model(TokenRows(rows, types: types)) }
      expectClose(found, expected, absolute: 2e-5 * Double(expected.largest), family)
      // Rows without padding are not joined.
      let full = withoutGradients {
        model(TokenRows([rows[0], rows[2]], types: types.map { [$0[0], $0[2]] }))
      }
      let places = Indices([0, 2])
      expectClose(full, withoutGradients { expected.rows(at: places) }, absolute: 1e-4, family)
      XCTAssertEqual(adapter.copies.filter(\.isTrained).isEmpty, false, family)
      XCTAssertEqual(
        expectAdapterError { try model.merge() }?.description.contains("before the tokens"), true)
    }
  }

  func testTheFirstTokenIsPredictedFromThePrompt() throws {
    for family in families {
      let item = try TextBefore(family)
      let labels = item.rows.map { TextBefore.text.map { _ in TokenBatch.ignored } + $0 }
      let before = TokenBatch(rows: item.rows.map { TextBefore.text + $0 }, labels: labels)
      let (expected, sum) = (item.model.loss(before), item.model.evaluate(before))
      try item.model.attach(text())
      for padding in [item.rows, item.rows + [[]]] {
        let batch = TokenBatch(rows: padding)
        expectClose(item.model.loss(batch), expected, relative: 2e-6, family)
        let found = item.model.evaluate(batch)
        XCTAssertEqual(found.count, sum.count)
        XCTAssertEqual(found.sum, sum.sum, accuracy: 1e-5 * sum.sum)
      }
      // Rows of one length are not joined.
      let full = TokenBatch(rows: [item.rows[0], item.rows[2]])
      let joined = TokenBatch(rows: [item.rows[0], item.rows[2], []])
      let gradients = item.model.takeGradients(item.model.loss(full))
      for (path, gradient) in item.model.takeGradients(item.model.loss(joined)) {
        expectClose(
          gradient, try XCTUnwrap(gradients[path]),
          absolute: 1e-5 * Double(gradient.largest), "\(family) \(path)")
      }
    }
  }

  func testCacheAndGeneration() throws {
    for family in families {
      let item = try TextBefore(family)
      let limits = GenerationLimits(newTokens: 6)
      let expected = try item.model.generate(item.rows.map { TextBefore.text + $0 }, limits)
      try item.model.attach(text())
      XCTAssertEqual(try item.model.generate(item.rows, limits), expected, family)
      let ids = Indices(item.rows[0] + item.rows[2], shape: [2, 7])
      for layer in item.model.keysAndValues(ids) { XCTAssertEqual(layer.keys.shape[1], 4 + 7) }
      let whole = withoutGradients { item.model(ids) }
      for pieces in [[7], [3, 1, 3]] {
        expectClose(
          item.model.cachedLogits(ids, pieces: pieces), whole,
          absolute: 2e-5 * Double(whole.largest), "\(family) \(pieces)")
      }
    }
  }

  func testPromptAndPrefixTogether() throws {
    let item = try TextBefore("gpt2")
    let reference = item.reference()
    try item.model.attach(
      PrefixTuning(text: Array(TextBefore.text.prefix(2))), name: "prefix")
    try item.model.attach(
      PromptTuning(virtualTokens: 2, initialization: .text(Array(TextBefore.text.suffix(2)))),
      name: "prompt")
    try item.model.activate(["prefix", "prompt"])
    let logits = withoutGradients { item.model(item.padded, keys: item.keys) }
    item.expect(logits, reference, "both")
    let whole = Indices(item.rows[0], shape: [1, 7])
    expectClose(
      item.model.cachedLogits(whole, pieces: [4, 3]), withoutGradients { item.model(whole) },
      absolute: 1e-4)
  }

  func testStarts() throws {
    let model = try TestModels.make("llama")
    let table = model.decoder.tokens.weight.value
    func start(_ method: PromptTuning) throws -> Tensor {
      defer { try? model.detach("default") }
      return try model.attach(method).parameters[0].value
    }
    let repeated = try start(
      PromptTuning(virtualTokens: 5, initialization: .text([4, 8])))
    XCTAssertEqual(
      repeated.bits, withoutGradients { table.rows(at: Indices([4, 8, 4, 8, 4])).bits })
    let drawn = try start(PromptTuning(virtualTokens: 6, initialization: .vocabulary))
    for row in 0..<6 {
      let bits = drawn.prefixAxis(row..<row + 1).bits
      XCTAssertTrue((0..<61).contains { table.prefixAxis($0..<$0 + 1).bits == bits })
    }
    let random = try start(PromptTuning(virtualTokens: 100)).array.map(Double.init)
    let mean = random.reduce(0, +) / 3200
    let variance = random.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 3200
    XCTAssertEqual(mean, 0, accuracy: 0.1)
    XCTAssertEqual(variance, 1, accuracy: 0.1)
  }

  func testSettingsThatMakeNoSense() throws {
    let model = try TestModels.make("gpt2")
    func label(_ method: PromptTuning) -> String? {
      expectAdapterError { try model.attach(method) }?.label
    }
    XCTAssertEqual(label(PromptTuning(virtualTokens: 0)), "invalidSetting num_virtual_tokens")
    XCTAssertEqual(label(PromptTuning(virtualTokens: 32)), "invalidSetting num_virtual_tokens")
    XCTAssertEqual(label(text([])), "invalidSetting initialization")
    XCTAssertEqual(label(text([3, 61])), "invalidSetting initialization")
    try model.attach(text())
    XCTAssertEqual(
      expectAdapterError { try model.merge() }?.label, "notAdaptable transformer")
  }
}
