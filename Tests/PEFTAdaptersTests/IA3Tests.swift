import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class IA3Tests: XCTestCase {
  func testContract() throws { try checkAdapter(IA3()) }

  func testUsualTargets() throws {
    // Width 32, feed-forward 128 or 72, key and value 16: PEFT's table, which names queries in Qwen2.
    for (family, count) in [
      ("gpt2", 96 + 128), ("llama", 16 + 16 + 72), ("mistral", 16 + 16 + 72),
      ("qwen2", 32 + 16 + 72),
    ] {
      XCTAssertEqual(try IA3().plan(TestModels.make(family)).trainableCount, 2 * count, family)
    }
  }

  /// `(W x + b) * l` and `W (x * l) + b`, in Double.
  func testFormula() throws {
    for scalesInput in [false, true] {
      let host = OneLayer(inputs: 4, outputs: 3)
      let adapter = try host.attach(
        IA3(targets: .names(["layer"]), feedForward: .names(scalesInput ? ["layer"] : [])))
      adapter.randomize()
      let l = adapter.parameters[0].value.array.map(Double.init)
      var change = DoubleMatrix(host.layer.weight.value)
      for row in 0..<3 {
        for column in 0..<4 { change[row, column] *= scalesInput ? l[column] - 1 : 0 }
      }
      var expected = host.expected(change: change)
      if !scalesInput {
        for row in 0..<3 { for column in 0..<3 { expected[row, column] *= l[column] } }
      }
      expectClose(host().array, expected.values, absolute: 1e-6)
    }
  }

  /// A vector with a zero in it cannot be divided out of a weight again; the base's bits are kept instead.
  func testUnmergingBringsBackWhatAZeroWipedOut() throws {
    let model = try TestModels.make("gpt2")
    let bits = model.bits
    let adapter = try model.attach(IA3())
    let first = adapter.parameters[0]
    first.value = Tensor(zeros: first.shape)
    try model.merge()
    XCTAssertNotEqual(model.bits, bits)
    try model.unmerge()
    XCTAssertEqual(model.bits, bits)
  }

  /// PEFT refuses names of feed-forward modules that are not among the targets.
  func testFieldsOfTheFile() throws {
    func fields(_ method: IA3) throws -> JSON {
      try Files.withTemporaryFolder { folder in
        let model = try TestModels.make("llama")
        try model.attach(method).save(to: folder.path)
        let text = try Data(contentsOf: folder.appendingPathComponent("adapter_config.json"))
        return try JSON(parsing: text)
      }
    }
    let usual = try fields(IA3())
    XCTAssertEqual(usual["feedforward_modules"]?.elements?.compactMap(\.string), ["down_proj"])
    XCTAssertNil(usual["layers_to_transform"])
    let all = try fields(IA3(targets: .allLinear))
    XCTAssertEqual(all["feedforward_modules"]?.string, ".*(down_proj)")
    let none = try fields(IA3(targets: .names(["k_proj"])))
    XCTAssertEqual(none["feedforward_modules"]?.elements?.count, 0)
  }

  func testEntriesThatSelectNothing() throws {
    let model = try TestModels.make("llama")
    for feedForward: Targets in [.names(["up_proj"]), .pattern(".*up_proj")] {
      let error = expectAdapterError { try model.attach(IA3(feedForward: feedForward)) }
      XCTAssertEqual(error?.label, "deadPatterns feedforward_modules")
    }
    XCTAssertEqual(
      expectAdapterError { try model.attach(IA3(feedForward: .allLinear)) }?.label,
      "invalidSetting feedforward_modules")
    XCTAssertEqual(
      expectAdapterError { try model.attach(IA3(targets: .names(["embed_tokens"]))) }?.label,
      "notAdaptable model.embed_tokens")
  }
}
