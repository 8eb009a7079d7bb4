import PEFTAdapters
import PEFTTensor
import PEFTTransformer
import XCTest

/// The contract of every adapter on a classifier of pictures.
final class ImageAdapterTests: XCTestCase {
  private func check(
    _ method: some AdapterMethod, file: StaticString = #filePath, line: UInt = #line,
    _ change: (inout AdapterContract) -> Void = { _ in }
  ) throws {
    try checkAdapter(
      method, families: ["vit"], precisions: [.float32], file: file, line: line, change)
  }

  func testLoRAOnEveryStorageOfTheBase() throws {
    try checkAdapter(LoRA(rank: 3, alpha: 6, targets: .allLinear), families: ["vit"])
  }

  func testLoRAWithTheHeadAndBiases() throws {
    var method = LoRA(rank: 2, alpha: 4)
    (method.modulesToSave, method.bias) = (["classifier"], .all)
    try check(method)
    method.bias = .loraOnly
    method.usesWeightDecomposition = true
    try check(method) { $0.slopeTolerance = nil }
  }

  func testOtherMethods() throws {
    try check(IA3())
    try check(LNTuning())
    try check(BitFit())
    try check(VeRA(rank: 5))
    try check(LoHa(rank: 2, alpha: 8))
    try check(LoKr(rank: 2, alpha: 8))
    try check(SparseDelta(rank: 3))
    try check(Bottleneck(width: 3)) { $0.mergeTolerance = nil }
    var budget = AdaLoRA(initialRank: 4, targetRank: 2, alpha: 8, totalSteps: 1000)
    budget.initialSteps = 500
    try check(budget)
  }

  func testVirtualTokens() throws {
    try check(PrefixTuning(virtualTokens: 3)) {
      ($0.identityTolerance, $0.mergeTolerance) = (nil, nil)
    }
    try check(PromptTuning(virtualTokens: 3)) {
      ($0.identityTolerance, $0.mergeTolerance) = (nil, nil)
    }
    try check(PTuning(virtualTokens: 3)) {
      ($0.identityTolerance, $0.mergeTolerance) = (nil, nil)
    }
  }

  /// There are no tokens whose embeddings a prompt could start with.
  func testPromptsOfWordsAreRefused() throws {
    for start in [PromptTuning.Initialization.vocabulary, .text([1])] {
      let error = expectAdapterError {
        try TestModels.images().attach(PromptTuning(virtualTokens: 3, initialization: start))
      }
      XCTAssertEqual(error?.label, "invalidSetting initialization")
    }
  }

  /// As in PEFT, which has no task for pictures: the head is one of all linear layers, and is trained as a whole only by name.
  func testTheHeadIsAdaptedAsInPEFT() throws {
    let model = try TestModels.images()
    let all = try LoRA(targets: .allLinear).plan(model).matches.map(\.path)
    XCTAssertTrue(all.contains("classifier"))
    XCTAssertEqual(all.count, 13)
    XCTAssertTrue(try LoRA().plan(model).copies.isEmpty)
    var saved = LoRA(targets: .allLinear)
    saved.modulesToSave = ["classifier"]
    let plan = try saved.plan(model)
    XCTAssertEqual(plan.matches.count, 12)
    XCTAssertEqual(plan.copies.map(\.path), ["classifier.weight", "classifier.bias"])
  }
}
