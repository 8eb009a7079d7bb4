import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

/// Keys and values hold for the model that made them: after a change the text goes on as the changed model continues it.
final class GenerationChangesTests: XCTestCase {
  private let prompt: [Int32] = [5, 9, 2, 7, 11, 3, 8]
  private let before = 4
  private let count = 12

  /// Generates, changes the model after some tokens, and compares with what the changed model makes of the same tokens.
  private func check(
    _ model: CausalLM, _ message: String, file: StaticString = #filePath, line: UInt = #line,
    _ change: () throws -> Void
  ) throws {
    let unchanged = try model.generate([prompt], GenerationLimits(newTokens: count))[0]
    var (made, failure): (Int, (any Error)?) = (0, nil)
    let tokens = try model.generate([prompt], GenerationLimits(newTokens: count)) { _, _ in
      made += 1
      if made == before {
        do { try change() } catch { failure = error }
      }
      return true
    }[0]
    XCTAssertNil(failure, message, file: file, line: line)
    XCTAssertEqual(tokens.prefix(before), unchanged.prefix(before), message, file: file, line: line)
    let rest = try model.generate(
      [prompt + tokens.prefix(before)], GenerationLimits(newTokens: count - before))[0]
    XCTAssertEqual(Array(tokens.dropFirst(before)), rest, message, file: file, line: line)
    XCTAssertNotEqual(tokens, unchanged, "\(message) changes nothing", file: file, line: line)
  }

  private func adapted(_ family: String = "llama") throws -> (CausalLM, Adapter) {
    let model = try TestModels.make(family)
    let adapter = try model.attach(LoRA(rank: 4, alpha: 32, targets: .allLinear))
    adapter.randomize(3)
    return (model, adapter)
  }

  func testAttachSwitchAndDetach() throws {
    let plain = try TestModels.make("llama")
    try check(plain, "attach") {
      try plain.attach(LoRA(rank: 4, alpha: 32, targets: .allLinear)).randomize(3)
    }
    let (model, _) = try adapted()
    let other = try model.attach(LoRA(rank: 2, alpha: 32, targets: .allLinear), name: "other")
    other.randomize(5)
    try check(model, "switch") { try model.activate(["default"]) }
    try check(model, "both") { try model.activate(["default", "other"]) }
    try check(model, "disable") { try model.activate([]) }
    try check(model, "enable") { try model.activate(["other"]) }
    try check(model, "detach") { try model.detach("other") }
  }

  func testMergedWeightsAndSteps() throws {
    let (model, adapter) = try adapted("gpt2")
    let batch = model.batch
    try check(model, "step") {
      // The gradients are those of a loss before the generation.
      let optimizer = AdamW(model.parameters(.trainable), learningRate: 0.5)
      for parameter in adapter.parameters {
        parameter.gradient = Tensor(repeating: 1, shape: parameter.shape)
      }
      optimizer.step()
    }
    XCTAssertGreaterThan(batch.tokenCount, 0)
    try check(model, "weight") {
      let parameter = adapter.parameters[0]
      parameter.value = parameter.value * -3
    }
    // A merge computes the same to rounding, so that something else has to change with it.
    try check(model, "merge") {
      adapter.randomize(9)
      try model.merge()
    }
    try check(model, "unmerge") {
      try model.unmerge()
      try model.activate([])
    }
  }

  func testWhatIsNoParameter() throws {
    let model = try TestModels.make("llama")
    let adapter = try model.attach(DyLoRA(rank: 4, alpha: 64, targets: .allLinear))
    adapter.randomize(4)
    let ranks = try XCTUnwrap(adapter.nestedRanks)
    try check(model, "rank") { try ranks.select(1) }

    let other = try TestModels.make("llama")
    try check(other, "prefix") { try other.attach(PrefixTuning(text: [7, 3, 40, 21])) }
    try check(other, "no prefix") { try other.activate([]) }
  }

  /// More positions may be wanted after a change than there are.
  func testVirtualTokensThatLeaveNoPositions() throws {
    let model = try TestModels.make("gpt2") { $0.maximumPositions = 20 }
    let prompt = Array(prompt.prefix(6))
    XCTAssertThrowsError(
      try model.generate([prompt], GenerationLimits(newTokens: 14)) { _, _ in
        if model.adapters.names.isEmpty {
          _ = try? model.attach(PrefixTuning(text: [7, 3, 40, 21]))
        }
        return true
      }
    ) {
      XCTAssertEqual(
        $0 as? ModelError, .tooManyTokens(row: 0, tokens: 6, newTokens: 14, maximum: 16))
    }
  }
}
