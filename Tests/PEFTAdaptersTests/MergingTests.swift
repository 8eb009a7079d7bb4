import Foundation
import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Adapters in the weights of the base, and out of them again.
final class MergingTests: XCTestCase {
  private func attach(
    _ family: String, _ change: (inout LoRA) -> Void
  ) throws -> (CausalLM, Adapter) {
    let model = try TestModels.make(family)
    var method = LoRA(rank: 2, alpha: 3)
    change(&method)
    let adapter = try model.attach(method)
    adapter.randomize()
    return (model, adapter)
  }

  private static var cases: [(String, (inout LoRA) -> Void)] {
    [
      ("gpt2", { ($0.targets, $0.bias, $0.hasBias) = (.allLinear, .all, true) }),
      ("qwen2", { ($0.bias, $0.hasBias) = (.loraOnly, true) }),
      ("llama", { $0.targets = .names(["embed_tokens", "lm_head", "up_proj"]) }),
      ("llama", { $0.modulesToSave = ["lm_head", "norm", "layers.0.mlp"] }),
      ("gpt2", { $0.targets = .names(["wpe"]) }),
      ("qwen2", { ($0.modulesToSave, $0.ensuresWeightTying) = (["embed_tokens"], true) }),
    ]
  }

  func testTheMergedModelIsTheAdaptedOneAlsoAfterSaving() throws {
    for (family, change) in Self.cases {
      let (model, _) = try attach(family, change)
      let adapted = model.sample
      let probe = model.probeOutput()
      let report = try model.merge()
      let merged = model.probeOutput()
      XCTAssertEqual(report.largestOutput, probe.largest)
      XCTAssertEqual(
        report.largestDifference, zip(probe.array, merged.array).map { abs($0 - $1) }.max())
      XCTAssertEqual(report.relativeDifference, report.largestDifference / report.largestOutput)
      XCTAssertGreaterThan(report.parameters, 0)
      let tolerance = 2e-5 * Double(adapted.largest)
      expectClose(model.sample, adapted, absolute: tolerance, family)
      try Files.withTemporaryFolder { folder in
        try model.save(to: folder.path)
        let loaded = try CausalLM(directory: folder.path)
        XCTAssertEqual(loaded.sample.bits, model.sample.bits, family)
      }
    }
  }

  func testTheMergedWeightIsTheSumInDoublePrecision() throws {
    for (family, targets) in [("gpt2", ["c_attn"]), ("llama", ["q_proj", "embed_tokens"])] {
      let (model, adapter) = try attach(family) { $0.targets = .names(targets) }
      let before = model.walk(includingAdapters: false).parameters.map {
        ($0.path, $0.parameter, $0.parameter.value)
      }
      try model.merge()
      var changed = 0
      for (site, layer) in adapter.layers(of: LoRALayer.self) {
        let (path, base) = (site.path, try XCTUnwrap(site.linear))
        let delta = DoubleMatrix(layer.b.value) * DoubleMatrix(layer.a.value)
        let value = base.layout == .outputInput ? delta : delta.transposed
        let old = try XCTUnwrap(before.first { $0.1 === base.weight })
        let expected = zip(old.2.array, value.values).map { Double($0) + 1.5 * $1 }
        expectClose(base.weight.value.array, expected, relative: 1e-6, absolute: 1e-7, path)
        changed += 1
      }
      for (site, layer) in adapter.layers(of: LoRAEmbeddingLayer.self) {
        let (path, base) = (site.path, try XCTUnwrap(site.embedding))
        let delta = (DoubleMatrix(layer.b.value) * DoubleMatrix(layer.a.value)).transposed
        let old = try XCTUnwrap(before.first { $0.1 === base.weight })
        let expected = zip(old.2.array, delta.values).map { Double($0) + 1.5 * $1 }
        expectClose(base.weight.value.array, expected, relative: 1e-6, absolute: 1e-7, path)
        changed += 1
      }
      XCTAssertEqual(before.count { $0.1.value.bits != $0.2.bits }, changed)
    }
  }

  func testTwoMergedAdaptersComeOutInEitherOrder() throws {
    for order in [["one", "two"], ["two", "one"]] {
      let model = try TestModels.make("gpt2")
      let bits = model.bits
      var method = LoRA(rank: 2)
      method.bias = .loraOnly
      try model.attach(method, name: "one").randomize(1)
      try model.attach(LoRA(rank: 3, targets: .allLinear), name: "two").randomize(2)
      try model.activate(["two"])
      let second = model.sample
      try model.activate(["one"])
      let first = model.sample
      try model.activate(["one", "two"])
      let both = model.sample
      try model.merge("one")
      try model.merge("two")
      expectClose(model.sample, both, absolute: 3e-5 * Double(both.largest))
      try model.unmerge(order[0])
      // The one that is left is in the weights as if it had been merged alone.
      let alone = try TestModels.make("gpt2")
      if order[1] == "one" {
        try alone.attach(method, name: "one").randomize(1)
      } else {
        try alone.attach(LoRA(rank: 3, targets: .allLinear), name: "two").randomize(2)
      }
      try alone.merge(order[1])
      XCTAssertEqual(model.bits, alone.bits)
      try model.activate([order[1]])
      let left = order[1] == "one" ? first : second
      expectClose(model.sample, left, absolute: 2e-5 * Double(left.largest))
      try model.unmerge(order[1])
      XCTAssertEqual(model.bits, bits)
      XCTAssertEqual(model.sample.bits, left.bits)
    }
  }

  func testNumbersThatAreNotFiniteAreRefused() throws {
    for value in [Float.nan, .infinity, 3e38] {
      let (model, adapter) = try attach("llama") { $0.modulesToSave = ["norm"] }
      let last = try XCTUnwrap(adapter.layers(of: LoRALayer.self).last).layer.b
      var values = last.value.array
      values[3] = value
      last.value = Tensor(values, shape: last.shape)
      let a = try XCTUnwrap(adapter.layers(of: LoRALayer.self).last).layer.a
      a.value = Tensor(repeating: 2, shape: a.shape)
      let bits = model.bits
      let error = expectAdapterError("\(value)") { try model.merge() }
      guard case .notFinite("default", "model.layers.1.self_attn.v_proj.weight")? = error else {
        return XCTFail("\(String(describing: error))")
      }
      XCTAssertEqual(model.bits, bits)
      XCTAssertFalse(adapter.isMerged)
      XCTAssertTrue(adapter.parameters.allSatisfy(\.isTrainable))
    }
  }

  func testSharedWeightsAreNotMergedHalf() throws {
    let table: [(String, (inout LoRA) -> Void)] = [
      ("gpt2", { $0.targets = .names(["wte"]) }), ("gpt2", { $0.targets = .names(["lm_head"]) }),
      ("gpt2", { $0.targets = .names(["wte", "lm_head"]) }),
      ("qwen2", { $0.modulesToSave = ["embed_tokens"] }),
      ("qwen2", { $0.modulesToSave = ["lm_head"] }),
      ("qwen2", { $0.modulesToSave = ["lm_head", "embed_tokens"] }),
    ]
    for (family, change) in table {
      let (model, _) = try attach(family, change)
      let bits = model.bits
      let error = expectAdapterError(family) { try model.merge() }
      XCTAssertEqual(error?.label.hasPrefix("notAdaptable"), true, "\(String(describing: error))")
      XCTAssert("\(try XCTUnwrap(error))".contains("share this weight"))
      XCTAssertEqual(model.bits, bits)
    }
  }

  func testABranchBiasNeedsABiasInTheBase() throws {
    let (model, _) = try attach("llama") { $0.hasBias = true }
    let bits = model.bits
    let error = expectAdapterError("") { try model.merge() }
    XCTAssertEqual(error?.label, "notAdaptable model.layers.0.self_attn.q_proj")
    XCTAssertEqual(model.bits, bits)
  }

  func testWhatCannotBeDoneInAState() throws {
    let (model, _) = try attach("llama") { _ in }
    XCTAssertEqual(expectAdapterError("") { try model.unmerge() }?.label, "wrongState")
    try model.activate([])
    XCTAssertEqual(expectAdapterError("") { try model.merge() }?.label, "wrongState")
    try model.activate(["default"])
    try model.merge()
    XCTAssertEqual(expectAdapterError("") { try model.merge() }?.label, "wrongState")
    XCTAssertEqual(expectAdapterError("") { try model.detach("default") }?.label, "wrongState")
    XCTAssertEqual(
      expectAdapterError("") { try model.merge("other") }?.label, "unknownAdapter other")
  }

  func testMergingForGood() throws {
    let (model, _) = try attach("llama") { $0.modulesToSave = ["norm"] }
    let adapted = model.sample
    let report = try model.mergeAndDetach()
    XCTAssertGreaterThan(report.largestOutput, 0)
    expectClose(model.sample, adapted, absolute: 2e-5 * Double(adapted.largest))
    XCTAssertEqual(model.filledSlots, [])
    XCTAssertEqual(model.adapters.names, [])
    let bits = model.bits
    // A next adapter starts from there, and its removal comes back to it.
    try model.attach(LoRA(rank: 2), name: "next").randomize()
    try model.merge("next")
    try model.unmerge("next")
    XCTAssertEqual(model.bits, bits)
    try model.attach(LoRA(rank: 2), name: "other").randomize()
    try model.activate(["next", "other"])
    try model.merge("next")
    XCTAssertEqual(
      expectAdapterError("") { try model.mergeAndDetach("other") }?.label, "wrongState")
    try model.mergeAndDetach("next")
    XCTAssertEqual(model.adapters.names, ["other"])
  }

  func testAReportShowsWhatIsNotFinite() {
    let before = Tensor([1, -4, 2], shape: [3])
    func report(_ values: [Float]) -> MergeReport {
      MergeReport(parameters: 1, before: before, after: Tensor(values, shape: [3]))
    }
    XCTAssertEqual(report([1.5, -4, 4]).largestDifference, 2)
    XCTAssertEqual(report([1.5, -4, 4]).largestOutput, 4)
    for place in 0..<3 {
      var values: [Float] = [0, 0, 0]
      values[place] = .nan
      XCTAssert(report(values).largestDifference.isNaN, "NaN at \(place)")
      values[place] = .infinity
      XCTAssertEqual(report(values).largestDifference, .infinity)
    }
  }
}
