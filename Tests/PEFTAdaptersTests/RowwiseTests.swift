import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

/// Several adapters of several kinds on one base: together, by row, and coming and going.
final class RowwiseTests: XCTestCase {
  /// Multiplies the output of a layer: a method that does more than to add branches.
  private struct Scaling: AdapterMethod {
    static let type = "SCALING"
    var selection: ModuleSelection

    func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
      let outputs = site.linear?.outputs ?? 0
      let tensors = TensorsBlueprint([.init("factor", [outputs])]) { generator in
        ["factor": Tensor(uniform: 0.5..<1.5, shape: [outputs], using: &generator)]
      }
      return LayerBlueprint(tensors) { ScalingLayer($0["factor"]!) }
    }
  }

  private final class ScalingLayer: LinearAdapterLayer {
    let factor: Parameter
    init(_ factor: Parameter) { self.factor = factor }

    func forward(
      _ input: Tensor, base: Linear, _ context: ForwardContext, inner: (Tensor) -> Tensor
    ) -> Tensor { inner(input) * factor.tensor }

    func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
      AffineMap(
        weight: map.weight * factor.value.reshaped([factor.count, 1]),
        bias: map.bias.map { $0 * factor.value })
    }
  }

  private func model(_ family: String, scaling: Bool = false) throws -> CausalLM {
    let model = try TestModels.make(family)
    var first = LoRA(rank: 2, alpha: 4)
    if family == "llama" { first.targets = .names(["embed_tokens", "lm_head", "q_proj"]) }
    if family == "gpt2" { first.targets = .names(["wpe", "c_attn", "c_fc"]) }
    try model.attach(first, name: "a").randomize(1)
    if scaling {
      try model.attach(Scaling(selection: ModuleSelection(.allLinear)), name: "b")
    } else {
      var second = AdaLoRA(initialRank: 3, targetRank: 2, totalSteps: 9, targets: .allLinear)
      second.orthogonalityWeight = 0
      try model.attach(second, name: "b").randomize(2, 0.5)
    }
    return model
  }

  private let names: [String?] = ["a", nil, "b", "a"]
  private let lengths = [7, 4, 6, 5]

  private func batch(_ rows: [Int], of model: CausalLM) -> TokenBatch {
    let size = Int32(model.configuration.vocabularySize)
    return TokenBatch(
      rows: rows.map { row in (0..<lengths[row]).map { Int32(row * 17 + $0 * 5 + 3) % size } })
  }

  private func row(_ logits: Tensor, _ index: Int, _ length: Int) -> Tensor {
    logits.prefixAxis(index..<index + 1).sliced(axis: 1, 0..<length)
  }

  func testEveryRowIsThatOfItsAdapterAlone() throws {
    for (family, scaling) in [
      ("llama", false), ("gpt2", false), ("llama", true), ("gpt2", true),
    ] {
      let model = try model(family, scaling: scaling)
      let whole = batch([0, 1, 2, 3], of: model)
      let together = try model.withAdapters(rows: names) {
        withoutGradients { model(whole.ids, keys: whole.keys) }
      }
      for (index, name) in names.enumerated() {
        let alone = batch([index], of: model)
        let logits = try model.withAdapters(name.map { [$0] } ?? []) {
          withoutGradients { model(alone.ids, keys: alone.keys) }
        }
        XCTAssertTrue(
          row(together, index, lengths[index]).isClose(to: logits, within: 1e-5),
          "\(family) \(scaling) row \(index)")
      }
      XCTAssertEqual(model.adapters.activeNames, ["b"])
      XCTAssertEqual(model.withoutAdapters { model.sample }.isFinite, true)
    }
  }

  func testMethodsOfEveryKindServeRows() throws {
    var decomposed = LoRA(rank: 2)
    decomposed.usesWeightDecomposition = true
    let methods: [any AdapterMethod] = [
      decomposed, DyLoRA(rank: 2), IA3(), VeRA(rank: 4), LoHa(rank: 2), LoKr(rank: 2),
      SparseDelta(rank: 2),
    ]
    for method in methods {
      let model = try TestModels.make("llama")
      try model.attach(LoRA(rank: 2, targets: .allLinear), name: "a").randomize(1)
      try model.attach(method, name: "b").randomize(2, 0.1)
      let whole = batch([0, 1, 2, 3], of: model)
      let together = try model.withAdapters(rows: names) {
        withoutGradients { model(whole.ids, keys: whole.keys) }
      }
      for (index, name) in names.enumerated() {
        let alone = batch([index], of: model)
        let logits = try model.withAdapters(name.map { [$0] } ?? []) {
          withoutGradients { model(alone.ids, keys: alone.keys) }
        }
        XCTAssertTrue(
          row(together, index, lengths[index]).isClose(to: logits, within: 1e-5),
          "\(type(of: method).type) row \(index)")
      }
    }
    for method in [BitFit(), LNTuning()] as [any AdapterMethod] {
      let model = try TestModels.make("gpt2")
      try model.attach(method, name: "b")
      let error = expectAdapterError { try model.withAdapters(rows: ["b", nil]) {} }
      XCTAssertEqual(error?.label, "conflict")
    }
  }

  func testGradientsReachTheAdapterOfTheirRow() throws {
    for (family, scaling) in [("llama", false), ("gpt2", true)] {
      let model = try model(family, scaling: scaling)
      let whole = batch([0, 1, 2, 3], of: model)
      var together: [String: [Tensor]] = [:]
      try model.withAdapters(rows: names) {
        model.loss(whole).backward()
        for name in ["a", "b"] {
          together[name] = try model.adapter(name).parameters.map {
            $0.gradient ?? Tensor(zeros: $0.shape)
          }
          for parameter in try model.adapter(name).parameters { parameter.gradient = nil }
        }
      }
      for (name, rows) in [("a", [0, 3]), ("b", [2])] {
        let part = batch(rows, of: model)
        let share = Float(part.targetCount) / Float(whole.targetCount)
        try model.withAdapters([name]) {
          model.loss(part).backward(scale: share)
          for (parameter, found) in zip(try model.adapter(name).parameters, together[name] ?? []) {
            let expected = parameter.gradient ?? Tensor(zeros: parameter.shape)
            expectClose(
              found, expected, absolute: 1e-5 * Double(expected.largest) + 1e-7,
              "\(family) \(name)")
          }
        }
      }
    }
  }

  func testTwoTasksAreTrainedInOneBatch() throws {
    let model = try model("llama")
    let (a, b) = (try model.adapter("a"), try model.adapter("b"))
    let whole = batch([0, 1, 2, 3], of: model)
    let steps: [String?] = ["a", "a", "b", "b"]
    try model.withAdapters(rows: steps) {
      let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-2)
      let first = model.loss(whole).item
      for _ in 0..<10 {
        model.loss(whole).backward()
        optimizer.step()
      }
      XCTAssertLessThan(model.loss(whole).item, 0.95 * first)
    }
    XCTAssertEqual(b.rankAllocator?.step, 10)
    // Only rows of one adapter leave the other as it is.
    let before = a.parameters.map(\.value.bits)
    try model.withAdapters(rows: ["b", nil, "b", nil]) {
      let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-2)
      model.loss(whole).backward()
      optimizer.step()
    }
    XCTAssertEqual(a.parameters.map(\.value.bits), before)
  }

  func testAdaptersOfSeveralKindsActTogether() throws {
    let model = try TestModels.make("gpt2")
    let base = model.sample
    try model.attach(LoRA(rank: 2), name: "a").randomize(1)
    let other = try model.attach(DyLoRA(rank: 2), name: "b")
    other.randomize(2)
    try model.attach(AdaLoRA(initialRank: 2, targetRank: 1, totalSteps: 50), name: "c")
    try model.activate(["a", "b", "c"])
    let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-2)
    let first = model.loss(model.batch).item
    for _ in 0..<12 {
      model.loss(model.batch).backward()
      optimizer.step()
    }
    XCTAssertLessThan(model.loss(model.batch).item, 0.9 * first)
    XCTAssertEqual(try model.adapter("c").rankAllocator?.step, 12)
    let adapted = model.sample
    for name in ["a", "c", "b"] { try model.merge(name) }
    XCTAssertTrue(model.sample.isClose(to: adapted, within: 2e-5))
    for name in ["a", "b", "c"] { try model.unmerge(name) }
    XCTAssertEqual(model.sample.bits, adapted.bits)
    XCTAssertEqual(model.withoutAdapters { model.sample }.bits, base.bits)
  }

  /// Adapters come and go while another one serves.
  func testHotSwap() throws {
    let model = try model("llama")
    try model.activate(["a"])
    let serving = model.sample
    let rows = try model.withAdapters(rows: ["a", nil]) { model.sample }
    let loaded = try Files.withTemporaryFolder { folder in
      try model.adapter("a").save(to: folder.path)
      return try model.loadAdapter(folder.path + "/a", name: "c", activating: false)
    }
    try model.attach(DyLoRA(rank: 2), name: "d", activating: false)
    XCTAssertEqual(model.adapters.activeNames, ["a"])
    XCTAssertTrue(loaded.parameters.allSatisfy { !$0.isTrainable })
    XCTAssertEqual(model.sample.bits, serving.bits)
    XCTAssertEqual(try model.withAdapters(rows: ["c", "d"]) { model.sample }.bits, rows.bits)
    try model.detach("b")
    try model.detach("d")
    XCTAssertEqual(model.sample.bits, serving.bits)
    XCTAssertEqual(try model.withAdapters(rows: ["a", nil]) { model.sample }.bits, rows.bits)
  }

  func testWhatCannotBeChosenByRow() throws {
    let model = try model("llama")
    func label(_ rows: [String?]) -> String? {
      expectAdapterError { try model.withAdapters(rows: rows) {} }?.label
    }
    XCTAssertEqual(label(["a", "nobody"]), "unknownAdapter nobody")
    var saving = LoRA(rank: 2)
    saving.modulesToSave = ["norm"]
    try model.attach(saving, name: "saving")
    XCTAssertEqual(label([nil, "saving"]), "conflict")
    try model.activate(["b"])
    try model.merge("b")
    XCTAssertEqual(label(["a", nil]), "wrongState")
    XCTAssertEqual(model.adapters.activeNames, ["b"])
  }
}
