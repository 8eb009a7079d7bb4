import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Weighted combinations of adapters, beside what Hugging Face PEFT makes of the same.
final class CombiningTests: XCTestCase {
  private func model() throws -> CausalLM {
    let model = try CausalLM(directory: Files.fixture("Oracle/llama-lora/base").path)
    for name in ["first", "second", "third"] {
      try model.loadAdapter(
        Files.fixture("Adapters/combinations/\(name)").path, name: name)
    }
    return model
  }

  private static func combination(_ json: JSON) throws -> AdapterCombination {
    let density = json["density"]?.number ?? 1
    let majority: AdapterCombination.Majority =
      json["majority_sign_method"]?.string == "frequency" ? .frequency : .total
    let rank = json["svd_rank"]?.integer
    switch try XCTUnwrap(json["combination_type"]?.string) {
    case "linear": return .linear
    case "cat": return .cat
    case "svd": return .svd(rank: rank)
    case "ties": return .ties(density: density, majority: majority)
    case "ties_svd": return .ties(density: density, majority: majority).ofProducts()
    case "dare_linear": return .dareLinear(density: density)
    case "dare_ties": return .dareTies(density: density)
    case "dare_linear_svd": return .dareLinear(density: density).ofProducts()
    case "dare_ties_svd": return .dareTies(density: density).ofProducts()
    case "magnitude_prune": return .magnitudePrune(density: density)
    case "magnitude_prune_svd": return .magnitudePrune(density: density).ofProducts()
    case let type: throw XCTSkip("no combination \(type)")
    }
  }

  func testEveryCombinationIsPEFTs() throws {
    let folder = Files.fixture("Adapters/combinations")
    let cases = try JSON(
      parsing: Data(contentsOf: folder.appendingPathComponent("cases.json")))["cases"]
    let expected = try SafetensorsFile(path: folder.path + "/expected.safetensors")
    let model = try model()
    let members = try XCTUnwrap(cases?.members)
    XCTAssertEqual(members.count, 14)
    for (name, settings) in members.map({ ($0.name, $0.value) }) {
      let combination = try Self.combination(settings)
      let names = settings["adapters"]?.elements?.compactMap(\.string) ?? []
      let weights = settings["weights"]?.elements?.compactMap(\.number) ?? []
      let adapter = try model.attachCombination(
        of: names, weights: weights, by: combination, as: name)
      let layers = adapter.layers(of: LoRALayer.self)
      XCTAssertEqual(layers.count, names == ["third"] ? 2 : 4, name)
      for (site, layer) in layers {
        let a = try expected.tensor("\(name)/\(site.path).lora_A")
        let b = try expected.tensor("\(name)/\(site.path).lora_B")
        let label = "\(name) \(site.path)"
        XCTAssertEqual(layer.scale, 1, label)
        if combination.matrices == .factors, combination.rule != .concatenated {
          expectClose(layer.a.value, a, absolute: 1e-6, label)
          expectClose(layer.b.value, b, absolute: 1e-6, label)
        }
        // The signs of singular vectors are free, and PEFT fills up with zeros. A cut between singular values that are
        // close to each other makes more of rounding.
        let product = b.matrixProduct(a)
        let isCut = combination.matrices != .factors
        expectClose(
          layer.b.value.matrixProduct(layer.a.value), product,
          absolute: (isCut ? 1e-4 : 2e-6) * Double(product.largest), label)
      }
      try model.detach(name)
    }
  }

  func testConcatenationIsTheExactSum() throws {
    let model = try model()
    try model.activate(["first", "second", "third"])
    let sum = model.sample
    try model.attachCombination(
      of: ["first", "second", "third"], weights: [1, 1, 1], by: .cat, as: "sum")
    XCTAssertEqual(model.adapters.activeNames, ["sum"])
    XCTAssertTrue(model.sample.isClose(to: sum, within: 1e-5))
    try Files.withTemporaryFolder { folder in
      try model.adapter("sum").save(to: folder.path)
      let other = try CausalLM(directory: Files.fixture("Oracle/llama-lora/base").path)
      try other.loadAdapter(folder.path, name: "sum")
      XCTAssertEqual(other.sample.bits, model.sample.bits)
    }
  }

  func testElementsAreDrawnByTheSeed() throws {
    let model = try model()
    func values(_ seed: UInt64) throws -> [[Float]] {
      let adapter = try model.attachCombination(
        of: ["first", "second"], weights: [1, 0], by: .dareLinear(density: 0.3, seed: seed),
        as: "drawn")
      defer { XCTAssertNoThrow(try model.detach("drawn")) }
      return adapter.layers(of: LoRALayer.self).map(\.layer.a.value.array)
    }
    let drawn = try values(1)
    XCTAssertEqual(drawn, try values(1))
    XCTAssertNotEqual(drawn, try values(2))
    let whole = try model.adapter("first").layers(of: LoRALayer.self).map(\.layer)
    var (kept, count) = (0, 0)
    for (values, layer) in zip(drawn, whole) {
      // The scale of the first adapter is 2, of which A gets the root.
      for (value, original) in zip(values, layer.a.value.array) where value != 0 {
        XCTAssertEqual(value, original / 0.3 * Float(2).squareRoot(), accuracy: 1e-5)
        kept += 1
      }
      count += values.count
    }
    XCTAssertEqual(Double(kept) / Double(count), 0.3, accuracy: 0.06)
  }

  func testClampedFactors() throws {
    let model = try model()
    let adapter = try model.attachCombination(
      of: ["first", "second"], weights: [1, 1], by: .svd(clamp: 0.9), as: "clamped")
    let free = try model.attachCombination(
      of: ["first", "second"], weights: [1, 1], by: .svd(), as: "free")
    let pairs = zip(adapter.layers(of: LoRALayer.self), free.layers(of: LoRALayer.self))
    for (clamped, free) in pairs {
      let sorted = (free.layer.b.value.array + free.layer.a.value.array).sorted()
      let place = 0.9 * Double(sorted.count - 1)
      let low = sorted[Int(place)]
      let limit = low + (sorted[Int(place) + 1] - low) * Float(place - place.rounded(.down))
      XCTAssertEqual(clamped.layer.b.value.largest, limit, accuracy: 1e-6)
    }
  }

  func testWhatCannotBeCombined() throws {
    let model = try model()
    func label(
      _ names: [String], _ weights: [Double], _ combination: AdapterCombination, _ name: String
    ) -> String? {
      expectAdapterError(name) {
        try model.attachCombination(of: names, weights: weights, by: combination, as: name)
      }?.label
    }
    XCTAssertEqual(label([], [], .cat, "new"), "invalidSetting weights")
    XCTAssertEqual(label(["first"], [1, 2], .cat, "new"), "invalidSetting weights")
    XCTAssertEqual(label(["first"], [.nan], .cat, "new"), "invalidSetting weights")
    XCTAssertEqual(label(["fourth"], [1], .cat, "new"), "unknownAdapter fourth")
    XCTAssertEqual(label(["first"], [1], .cat, "second"), "nameTaken second")
    XCTAssertEqual(
      label(["first", "second"], [1, 1], .ties(density: 1.1), "new"), "invalidSetting density")
    XCTAssertEqual(
      label(["first", "second"], [1, 1], .svd(rank: 0), "new"), "invalidSetting rank")
    XCTAssertEqual(
      label(["first", "second"], [1, 1], .svd(clamp: -1), "new"), "invalidSetting clamp")
    XCTAssertEqual(
      label(["first", "third"], [1, 1], .linear, "new"),
      "notAdaptable model.layers.0.self_attn.q_proj")
    var saving = LoRA(rank: 2)
    saving.modulesToSave = ["norm"]
    try model.attach(saving, name: "saving")
    XCTAssertEqual(label(["saving", "first"], [1, 1], .cat, "new"), "conflict")
    XCTAssertEqual(model.adapters.names.count, 4)
  }
}
