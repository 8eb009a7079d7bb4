import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class PrefixTuningTests: XCTestCase {
  private let families = ["gpt2", "llama", "mistral"]

  func testContract() throws {
    try checkAdapter(PrefixTuning(virtualTokens: 3)) {
      ($0.identityTolerance, $0.mergeTolerance) = (nil, nil)
    }
    try checkAdapter(
      PrefixTuning(virtualTokens: 3, isProjected: true), families: ["llama"],
      precisions: [.float32]
    ) {
      ($0.identityTolerance, $0.mergeTolerance) = (nil, nil)
    }
  }

  func testTextIsTheBaseWithTheTextBeforeEverySequence() throws {
    for family in families {
      let item = try TextBefore(family)
      let reference = item.reference()
      try item.model.attach(PrefixTuning(text: TextBefore.text))
      let logits = withoutGradients { item.model(item.padded, keys: item.keys) }
      item.expect(logits, reference, family)
    }
  }

  func testPaddingOnTheLeft() throws {
    for family in families {
      let item = try TextBefore(family)
      let reference = item.reference()
      try item.model.attach(PrefixTuning(text: TextBefore.text))
      let starts = item.rows.map { 7 - $0.count }
      let ids = zip(item.rows, starts).flatMap { Array(repeating: 0, count: $1) + $0 }
      let logits = withoutGradients {
        item.model(Indices(ids, shape: [3, 7]), keys: starts.map { $0..<7 })
      }
      item.expect(logits, reference, from: starts, family)
    }
  }

  func testJoinedRowsGiveTheLossAndGradientsOfPaddedOnes() throws {
    for family in families {
      for isProjected in [false, true] {
        let item = try TextBefore(family)
        try item.model.attach(PrefixTuning(virtualTokens: 4, isProjected: isProjected))
        let batch = TokenBatch(rows: item.rows + [[]])
        let padded = item.model.paddedLoss(batch)
        let expected = item.model.takeGradients(padded)
        let joined = item.model.loss(batch)
        expectClose(joined, padded, relative: 2e-6, family)
        for (path, gradient) in item.model.takeGradients(joined) {
          expectClose(
            gradient, try XCTUnwrap(expected[path]), relative: 1e-4,
            absolute: 2e-6 * Double(gradient.largest) + 1e-9, "\(family) \(path)")
        }
      }
    }
  }

  func testActivationsThatAreComputedAgainGiveTheSameGradients() throws {
    let item = try TextBefore("llama")
    try item.model.attach(PrefixTuning(virtualTokens: 4, isProjected: true))
    let batch = TokenBatch(rows: item.rows)
    let expected = item.model.takeGradients(item.model.loss(batch))
    item.model.decoder.checkpointsActivations = true
    let found = item.model.takeGradients(item.model.loss(batch))
    XCTAssertEqual(found.count, expected.count)
    // The layers add to the gradients of the map in another order.
    for (path, gradient) in found {
      expectClose(
        gradient, try XCTUnwrap(expected[path]), absolute: 1e-6 * Double(gradient.largest), path)
    }
  }

  func testTheCacheHoldsThePrefixOnce() throws {
    for family in families {
      let item = try TextBefore(family)
      try item.model.attach(PrefixTuning(virtualTokens: 4))
      let ids = Indices(item.rows[0] + item.rows[2], shape: [2, 7])
      for layer in item.model.keysAndValues(ids) { XCTAssertEqual(layer.keys.shape[1], 4 + 7) }
      let whole = withoutGradients { item.model(ids) }
      for pieces in [[7], [3, 1, 3], [1, 1, 1, 1, 1, 1, 1]] {
        expectClose(
          item.model.cachedLogits(ids, pieces: pieces), whole,
          absolute: 2e-5 * Double(whole.largest), "\(family) \(pieces)")
      }
    }
  }

  func testGenerationContinuesTheText() throws {
    for family in families {
      let item = try TextBefore(family)
      let limits = GenerationLimits(newTokens: 6)
      let expected = try item.model.generate(item.rows.map { TextBefore.text + $0 }, limits)
      try item.model.attach(PrefixTuning(text: TextBefore.text))
      XCTAssertEqual(try item.model.generate(item.rows, limits), expected, family)
    }
  }

  func testZerosAreNotTheIdentity() throws {
    let item = try TextBefore("llama")
    let before = item.model.sample
    var method = PrefixTuning(virtualTokens: 3)
    method.initialization = .zero
    let adapter = try item.model.attach(method)
    XCTAssertTrue(adapter.parameters.allSatisfy { $0.value.largest == 0 })
    XCTAssertFalse(item.model.sample.isClose(to: before, within: 1e-3))
    let (projected, twin) = (try TextBefore("llama"), item.model.sample)
    method.isProjected = true
    try projected.model.attach(method)
    XCTAssertEqual(projected.model.sample.bits, twin.bits)
  }

  func testTwoPrefixesFollowEachOtherBesideLoRA() throws {
    let item = try TextBefore("llama")
    let reference = item.reference()
    let text = TextBefore.text
    // Both halves of the text, the second computed after the first.
    try item.model.attach(PrefixTuning(text: Array(text.prefix(2))), name: "first")
    let all = try TextBefore("llama")
    let whole = try all.model.attach(PrefixTuning(text: text))
    let second = try item.model.attach(PrefixTuning(virtualTokens: 2), name: "second")
    second.parameters[0].value = withoutGradients {
      whole.parameters[0].value.prefixAxis(2..<4).copied()
    }
    try item.model.attach(LoRA(rank: 2), name: "branch")
    try item.model.activate(["first", "second", "branch"])
    let logits = withoutGradients { item.model(item.padded, keys: item.keys) }
    item.expect(logits, reference, "both")
  }

  func testTrainingGoesOnWithTheMap() throws {
    for isProjected in [false, true] {
      let model = try TestModels.make("gpt2")
      let adapter = try model.attach(PrefixTuning(virtualTokens: 3, isProjected: isProjected))
      func step(_ model: CausalLM) {
        let optimizer = SGD([ParameterGroup(model.parameters(.trainable))], learningRate: 0.1)
        model.loss(model.batch).backward()
        optimizer.step()
      }
      step(model)
      try Files.withTemporaryFolder { folder in
        try adapter.save(to: folder.path)
        let again = try TestModels.make("gpt2")
        try again.loadAdapter(folder.path, isTrainable: true)
        step(model)
        step(again)
        XCTAssertEqual(again.sample.bits, model.sample.bits)
        // Twice the same bytes, and no map where there is none.
        let training = folder.path + "/adapter_training.safetensors"
        XCTAssertEqual(FileManager.default.fileExists(atPath: training), isProjected)
        let names = try SafetensorsFile(path: folder.path + "/adapter_model.safetensors").names
        XCTAssertEqual(names, ["prompt_embeddings"])
      }
    }
  }

  func testAProjectedPrefixWithoutItsMapIsTrainedAsATable() throws {
    let model = try TestModels.make("gpt2")
    let adapter = try model.attach(PrefixTuning(virtualTokens: 3, isProjected: true))
    try Files.withTemporaryFolder { folder in
      try adapter.save(to: folder.path)
      let training = folder.path + "/adapter_training.safetensors"
      let other = try TestModels.make("gpt2")
      let odd = try other.attach(
        PrefixTuning(virtualTokens: 3, isProjected: true), name: "default")
      odd.randomize()
      try Files.withTemporaryFolder { second in
        try odd.save(to: second.path)
        try FileManager.default.removeItem(atPath: training)
        try FileManager.default.copyItem(
          atPath: second.path + "/adapter_training.safetensors", toPath: training)
      }
      let fresh = try TestModels.make("gpt2")
      let error = expectAdapterError { try fresh.loadAdapter(folder.path) }
      XCTAssertEqual(error?.label, "wrongState")
      XCTAssertEqual(fresh.adapters.names, [])
      try FileManager.default.removeItem(atPath: training)
      let loaded = try fresh.loadAdapter(folder.path, isTrainable: true)
      XCTAssertEqual(loaded.parameters.map(\.shape), [[3, 128]])
      expectClose(fresh.sample, model.sample, absolute: 1e-5)
    }
  }

  func testSettingsThatMakeNoSense() throws {
    let model = try TestModels.make("gpt2")
    func label(_ change: (inout PrefixTuning) -> Void) -> String? {
      var method = PrefixTuning(virtualTokens: 4)
      change(&method)
      return expectAdapterError { try model.attach(method) }?.label
    }
    XCTAssertEqual(label { $0.virtualTokens = 0 }, "invalidSetting num_virtual_tokens")
    XCTAssertEqual(label { $0.virtualTokens = 32 }, "invalidSetting num_virtual_tokens")
    XCTAssertEqual(label { $0.encoderHiddenSize = 0 }, "invalidSetting encoder_hidden_size")
    XCTAssertEqual(
      label { $0.initialization = .text([1, 2]) }, "invalidSetting num_virtual_tokens")
    XCTAssertEqual(
      label { $0.initialization = .text([1, 2, 99, 4]) }, "invalidSetting initialization")
    XCTAssertEqual(
      label { ($0.initialization, $0.isProjected) = (.text([1, 2, 3, 4]), true) },
      "invalidSetting prefix_projection")
    XCTAssertEqual(model.adapters.names, [])
    XCTAssertEqual(model.filledSlots, [])
  }

  func testMergingSaysWhyItCannot() throws {
    let model = try TestModels.make("gpt2")
    try model.attach(PrefixTuning(virtualTokens: 4))
    let error = expectAdapterError { try model.merge() }
    guard case .notAdaptable(_, let reason) = error else { return XCTFail("another error") }
    XCTAssertTrue(reason.contains("no weight could hold"), reason)
  }

  func testThePrefixTakesPositions() throws {
    let model = try TestModels.make("gpt2")
    let row = (0..<32).map { Int32($0) }
    try model.check(Indices(row, shape: [1, 32]))
    try model.attach(PrefixTuning(virtualTokens: 4))
    XCTAssertThrowsError(try model.check(Indices(row, shape: [1, 32])))
    try model.check(Indices(Array(row.prefix(28)), shape: [1, 28]))
    XCTAssertThrowsError(
      try model.generate([Array(row.prefix(25))], GenerationLimits(newTokens: 5)))
    XCTAssertEqual(
      try model.generate([Array(row.prefix(25))], GenerationLimits(newTokens: 4))[0].count, 4)
  }
}
