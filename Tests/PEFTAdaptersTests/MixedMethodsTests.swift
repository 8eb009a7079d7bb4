import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Adapters of different methods on one model.
final class MixedMethodsTests: XCTestCase {
  /// The one attached first is innermost: `((W + s B A) x + b) * l`, or `(W x + b) * l + s B A x`.
  func testLoRAAndIA3() throws {
    for isInner in [true, false] {
      let host = OneLayer(inputs: 5, outputs: 4)
      func attachLoRA() throws {
        try host.attach(LoRA(rank: 2, alpha: 6, targets: .names(["layer"])), name: "low")
          .randomize(1)
      }
      if isInner { try attachLoRA() }
      try host.attach(IA3(targets: .names(["layer"]), feedForward: .names([])), name: "scale")
        .randomize(2)
      if !isInner { try attachLoRA() }
      try host.activate(["scale", "low"])

      let low = try XCTUnwrap(host.adapter("low").layers(of: LoRALayer.self).first?.layer)
      let l = try host.adapter("scale").parameters[0].value.array.map(Double.init)
      var change = DoubleMatrix(low.b.value) * DoubleMatrix(low.a.value)
      for index in change.values.indices { change.values[index] *= 3 }
      var expected = host.expected(change: isInner ? change : nil)
      let outside = DoubleMatrix(host.input) * change.transposed
      for row in 0..<3 {
        for column in 0..<4 {
          expected[row, column] *= l[column]
          if !isInner { expected[row, column] += outside[row, column] }
        }
      }
      expectClose(host().array, expected.values, absolute: 1e-5, "inner: \(isInner)")
      try checkMerging(host)
    }
  }

  /// Both merged in turn, and taken out again.
  private func checkMerging(_ host: OneLayer) throws {
    let (before, weight) = (host(), host.layer.weight.value)
    for name in host.adapters.names { try host.merge(name) }
    expectClose(host(), before, absolute: 1e-5, "merged")
    for name in host.adapters.names { try host.unmerge(name) }
    XCTAssertEqual(host.layer.weight.value.bits, weight.bits)
    XCTAssertEqual(host().bits, before.bits)
  }

  /// A merge puts an adapter below those that are not merged: where it stood around one of them, that counts if either scales.
  func testMergesThatWouldChangeTheOrderAreRefused() throws {
    let all = Targets.names(["layer"])
    let scale = IA3(targets: all, feedForward: .names([]))
    var lengths = LoRA(rank: 1, targets: all)
    lengths.usesWeightDecomposition = true
    // Whether the outer one can be merged first, and whether the inner one can.
    let pairs: [(inner: any AdapterMethod, outer: any AdapterMethod, Bool, Bool)] = [
      (LoRA(rank: 2, targets: all), scale, false, true),
      (scale, LoRA(rank: 2, targets: all), false, true),
      (lengths, LoRA(rank: 2, targets: all), false, true),
      (LoRA(rank: 2, targets: all), lengths, false, false),
      (LoRA(rank: 2, targets: all), VeRA(rank: 2, targets: all), true, true),
      (LoKr(rank: 2, targets: all), LoHa(rank: 1, targets: all), true, true),
      (RoSA(rank: 1, targets: all), LoRA(rank: 2, targets: all), true, true),
    ]
    for (index, pair) in pairs.enumerated() {
      let host = OneLayer(inputs: 6, outputs: 6)
      try host.attach(pair.0, name: "inner").randomize(1)
      try host.attach(pair.1, name: "outer").randomize(2)
      try host.activate(["inner", "outer"])
      let (before, weight) = (host(), host.layer.weight.value)
      for (name, other, isPossible) in [("outer", "inner", pair.2), ("inner", "outer", pair.3)] {
        if isPossible {
          try host.merge(name)
          expectClose(host(), before, absolute: 1e-5, "pair \(index) \(name)")
          try host.merge(other)
          expectClose(host(), before, absolute: 1e-5, "pair \(index) \(name) first")
          try host.unmerge(name)
          try host.unmerge(other)
        } else {
          let error = expectAdapterError("\(index)") { try host.merge(name) }
          XCTAssertEqual(error?.label, "wrongState")
          XCTAssertEqual(error.map { "\($0)".contains("merge \"\(other)\" first") }, true)
        }
        XCTAssertEqual(host.layer.weight.value.bits, weight.bits, "pair \(index)")
      }
    }
  }

  /// A copy that takes the place of a weight would hide what is merged into it.
  func testAMergeBelowACopyIsRefused() throws {
    let model = try TestModels.make("gpt2")
    let bits = model.bits
    var whole = LoRA(rank: 1, targets: .names(["c_proj"]))
    whole.modulesToSave = ["h.0.attn.c_attn"]
    try model.attach(LoRA(rank: 2, targets: .names(["c_attn"])), name: "low").randomize(1)
    try model.attach(whole, name: "whole").randomize(2)
    try model.attach(LoRA(rank: 1, targets: .names(["c_attn"])), name: "third").randomize(3)
    try model.activate(["low", "whole", "third"])
    let all = model.sample
    let error = expectAdapterError { try model.merge("low") }
    XCTAssertEqual(error?.label, "wrongState")
    XCTAssertEqual(error.map { "\($0)".contains("merge \"whole\" first") }, true)
    XCTAssertEqual(model.bits, bits)
    for name in ["whole", "low", "third"] {
      try model.merge(name)
      expectClose(model.sample, all, absolute: 3e-5 * Double(all.largest), name)
    }
    // What stays is added in the order in which it was merged, not in that of attaching.
    try model.unmerge("third")
    expectClose(model.sample, all, absolute: 3e-5 * Double(all.largest), "third beside the others")
    try model.unmerge("low")
    try model.unmerge("whole")
    XCTAssertEqual(model.bits, bits)
    XCTAssertEqual(model.sample.bits, all.bits)
  }

  /// Every method beside every other one is switched without a trace of the others.
  func testMethodsSwitchIndependently() throws {
    let model = try TestModels.make("qwen2")
    let base = model.sample
    let methods: [(String, any AdapterMethod)] = [
      ("low", LoRA(rank: 2)), ("ia3", IA3()), ("norms", LNTuning()), ("vera", VeRA(rank: 4)),
      ("loha", LoHa(rank: 2)), ("lokr", LoKr(rank: 2)), ("biases", BitFit()),
      ("bottleneck", Bottleneck(width: 4)),
    ]
    var outputs: [String: [UInt32]] = [:]
    for (name, method) in methods {
      try model.attach(method, name: name).randomize()
      outputs[name] = model.sample.bits
      XCTAssertNotEqual(outputs[name], base.bits, name)
    }
    XCTAssertEqual(Set(outputs.values).count, methods.count)
    for (name, _) in methods.reversed() {
      try model.activate([name])
      XCTAssertEqual(model.sample.bits, outputs[name], name)
      let parameters = try Set(model.adapter(name).parameters.map(ObjectIdentifier.init))
      XCTAssertEqual(
        Set(model.parameters(.trainable).map { ObjectIdentifier($0.parameter) }), parameters, name)
    }
    try model.activate(["low", "ia3", "norms", "vera", "loha", "lokr"])
    let together = model.sample
    try model.detach("biases")
    try model.detach("bottleneck")
    XCTAssertEqual(model.sample.bits, together.bits)
    try model.activate([])
    XCTAssertEqual(model.sample.bits, base.bits)
  }

  /// Two that train copies of the same norms cannot be active together.
  func testConflictingCopies() throws {
    let model = try TestModels.make("llama")
    try model.attach(LNTuning(), name: "norms")
    try model.attach(Bottleneck(width: 4), name: "bottleneck")
    XCTAssertEqual(
      expectAdapterError { try model.activate(["norms", "bottleneck"]) }?.label, "conflict")
  }
}
