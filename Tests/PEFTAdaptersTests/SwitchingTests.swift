import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Several adapters on one base.
final class SwitchingTests: XCTestCase {
  private func model(
    _ change: (inout LoRA) -> Void = { _ in }
  ) throws -> (CausalLM, Adapter, Adapter) {
    let model = try TestModels.make("llama")
    var method = LoRA(rank: 2, targets: .names(["q_proj", "down_proj"]))
    change(&method)
    let one = try model.attach(method, name: "one")
    one.randomize(1)
    let two = try model.attach(LoRA(rank: 3, targets: .names(["q_proj", "k_proj"])), name: "two")
    two.randomize(2)
    return (model, one, two)
  }

  func testAdaptersDoNotTouchEachOther() throws {
    let (model, one, two) = try model()
    XCTAssertEqual(model.adapters.activeNames, ["two"])
    let both = model.sample
    try model.activate(["one"])
    let first = model.sample
    let alone = try TestModels.make("llama")
    try alone.attach(one.method, name: "one").randomize(1)
    XCTAssertEqual(alone.sample.bits, first.bits)
    XCTAssertNotEqual(both.bits, first.bits)

    // Training one leaves the other, and only active parameters train.
    let trained = Set(model.parameters(.trainable).map { ObjectIdentifier($0.parameter) })
    XCTAssertEqual(trained, Set(one.parameters.map(ObjectIdentifier.init)))
    model.loss(model.batch).backward()
    XCTAssert(one.parameters.allSatisfy { $0.gradient != nil })
    XCTAssert(two.parameters.allSatisfy { $0.gradient == nil && !$0.isTrainable })

    try model.detach("one")
    XCTAssertEqual(model.adapters.activeNames, [])
    try model.activate(["two"])
    XCTAssertEqual(model.sample.bits, both.bits)
  }

  func testActiveAdaptersAreAddedUp() throws {
    // One linear layer is enough to see it in closed form: the outputs of the deltas add up.
    let (model, one, two) = try model()
    let layer = try XCTUnwrap(one.modules.first { $0.site.path.hasSuffix("q_proj") }?.site.linear)
    var random = SeededRandom(9)
    let input = random.tensor([4, layer.inputs])
    func output(_ names: [String]) throws -> DoubleMatrix {
      try model.withAdapters(names) { DoubleMatrix(layer(input, ForwardContext())) }
    }
    let base = try output([])
    let (first, second) = (try output(["one"]), try output(["two"]))
    let sum = try output(["one", "two"])
    let expected = zip(zip(first.values, second.values), base.values).map { $0.0 + $0.1 - $1 }
    expectClose(sum.values.map(Float.init), expected, absolute: 2e-6)
    XCTAssertEqual(try output(["two", "one"]), sum)
    XCTAssertEqual(model.adapters.activeNames, ["two"])
    XCTAssert(two.isActive)
  }

  func testWithoutAdaptersIsTheBaseToTheBit() throws {
    let base = try TestModels.make("llama").sample
    let (model, one, _) = try model { $0.modulesToSave = ["norm", "lm_head"] }
    try model.activate(["one", "two"])
    let adapted = model.sample
    XCTAssertNotEqual(adapted.bits, base.bits)
    XCTAssertEqual(model.withoutAdapters { model.sample }.bits, base.bits)
    XCTAssertEqual(try model.withAdapters([]) { model.sample }.bits, base.bits)
    XCTAssertEqual(model.sample.bits, adapted.bits)
    XCTAssertEqual(model.adapters.activeNames, ["one", "two"])
    struct Stop: Error {}
    XCTAssertThrowsError(try model.withoutAdapters { throw Stop() })
    XCTAssertThrowsError(try model.withAdapters(["one"]) { throw Stop() })
    XCTAssertEqual(model.adapters.activeNames, ["one", "two"])
    XCTAssertEqual(model.sample.bits, adapted.bits)
    XCTAssert(one.parameters.allSatisfy(\.isTrainable))
  }

  func testGradientsSurviveALookAtTheBase() throws {
    let (model, one, _) = try model()
    try model.activate(["one"])
    model.loss(model.batch).backward()
    let before = one.parameters.map { $0.gradient?.array }
    _ = model.withoutAdapters { model.sample }
    _ = try model.withAdapters(["two"]) { model.sample }
    XCTAssertEqual(one.parameters.map { $0.gradient?.array }, before)
    model.loss(model.batch).backward()
    for (parameter, gradient) in zip(one.parameters, before) {
      expectClose(
        try XCTUnwrap(parameter.gradient).array, try XCTUnwrap(gradient).map { 2 * Double($0) },
        relative: 1e-5, absolute: 1e-7)
    }
  }

  func testConflicts() throws {
    let model = try TestModels.make("qwen2")
    var method = LoRA(rank: 2)
    method.modulesToSave = ["norm"]
    try model.attach(method, name: "one")
    try model.attach(method, name: "two").randomize()
    method.modulesToSave = []
    method.bias = .loraOnly
    try model.attach(method, name: "three").randomize()
    XCTAssertEqual(
      expectAdapterError("") { try model.activate(["one", "two"]) }?.label, "conflict")
    XCTAssertEqual(model.adapters.activeNames, ["three"])
    let output = model.sample
    try model.activate(["one", "three"])
    XCTAssertEqual(
      expectAdapterError("") { try model.activate(["one", "none"]) }?.label,
      "unknownAdapter none")
    XCTAssertEqual(model.adapters.activeNames, ["one", "three"])
    try model.activate(["three", "three"])
    XCTAssertEqual(model.sample.bits, output.bits)
  }

  func testDetachingTheLastRestoresWhatWasTrainable() throws {
    let model = try TestModels.make("llama")
    model.freeze { !$0.contains("norm") }
    let trainable = model.parameters(.trainable).map(\.path)
    XCTAssertFalse(trainable.isEmpty)
    let (bits, output) = (model.bits, model.sample)
    try model.attach(LoRA(rank: 2), name: "one").randomize()
    try model.attach(LoRA(rank: 2, targets: .names(["embed_tokens"])), name: "two").randomize()
    try model.detach("one")
    XCTAssert(model.parameters(.trainable).allSatisfy { $0.path.contains("lora_") })
    try model.detach("two")
    XCTAssertEqual(model.parameters(.trainable).map(\.path), trainable)
    XCTAssertEqual(model.filledSlots, [])
    XCTAssertEqual(model.bits, bits)
    XCTAssertEqual(model.sample.bits, output.bits)
    XCTAssertEqual(
      expectAdapterError("") { try model.detach("two") }, .unknownAdapter("two", existing: []))
  }

  func testAModelWithAdaptersIsFreed() throws {
    weak var model: CausalLM?
    weak var adapter: Adapter?
    try {
      let made = try TestModels.make("llama")
      model = made
      adapter = try made.attach(LoRA(rank: 2))
      XCTAssertNotNil(adapter)
      _ = made.sample
    }()
    XCTAssertNil(model)
    XCTAssertNil(adapter)
  }

  func testTrainingCanBeSwitchedOff() throws {
    let (model, _, two) = try model()
    two.isTrainable = false
    XCTAssertEqual(model.parameterCount(.trainable), 0)
    two.isTrainable = true
    XCTAssertEqual(model.parameterCount(.trainable), two.parameterCount)
    try model.activate(["one", "two"])
    try model.merge("two")
    XCTAssert(two.parameters.allSatisfy { !$0.isTrainable })
  }
}
