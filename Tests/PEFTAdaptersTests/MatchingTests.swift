import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// The choice of modules, their ranks and scales, against what Hugging Face PEFT did with the same settings.
final class MatchingTests: XCTestCase {
  func testEveryCaseOfPEFT() throws {
    let data = try Data(contentsOf: Files.fixture("Adapters/matching.json"))
    let file = try JSON(parsing: data)
    let cases = try XCTUnwrap(file["cases"]?.elements)
    XCTAssertGreaterThan(cases.count, 80)
    let models = [
      "gpt2": try model("gpt2", layers: 12), "llama": try model("llama", layers: 3),
      "qwen2": try model("qwen2", layers: 2),
    ]
    for item in cases {
      let model = try XCTUnwrap(models[try XCTUnwrap(item["family"]?.string)])
      try check(item, model)
    }
  }

  private func model(_ family: String, layers: Int) throws -> CausalLM {
    try TestModels.make(family) {
      ($0.vocabularySize, $0.width, $0.layers, $0.heads) = (17, 8, layers, 2)
      ($0.keyValueHeads, $0.headWidth) = (family == "gpt2" ? 2 : 1, 4)
      ($0.feedForwardWidth, $0.maximumPositions) = (family == "gpt2" ? 32 : 12, 16)
    }
  }

  private func check(_ item: JSON, _ model: CausalLM) throws {
    let settings = try XCTUnwrap(item["settings"]?.members)
    let label = "\(model.modelType) \(JSON.object(settings).text(.compact))"
    let fields =
      settings + [
        .init("peft_type", .string("LORA")), .init("r", .integer(4)),
        .init("lora_alpha", .integer(10)),
      ]
    let method: LoRA
    do {
      method = try LoRA(ConfigurationFile(path: "adapter_config.json", json: .object(fields)))
    } catch { return XCTAssertNotNil(item["error"], "\(label): \(error)") }
    let plan: AdapterPlan
    do { plan = try method.plan(model, isStrict: false) } catch {
      return XCTAssertNotNil(item["error"], "\(label): \(error)")
    }
    guard item["error"] == nil else {
      return XCTFail("\(label): PEFT refuses this, and here it gives\n\(plan)")
    }
    var expected: [String: [Double]] = [:]
    for member in item["adapted"]?.members ?? [] {
      expected[member.name] = member.value.elements?.compactMap(\.number)
    }
    XCTAssertEqual(plan.matches.map(\.path).sorted(), expected.keys.sorted(), label)
    for match in plan.matches {
      let values = try XCTUnwrap(expected[match.path], label)
      XCTAssertEqual(match.rank.map(Double.init), values[0], "\(label) \(match.path)")
      XCTAssertEqual(
        method.scale(rank: try XCTUnwrap(match.rank), alpha: try XCTUnwrap(match.alpha)),
        Float(values[1]),
        "\(label) \(match.path)")
    }
    XCTAssertEqual(
      plan.copies.map(\.path).sorted(), item["saved"]?.elements?.compactMap(\.string), label)
    XCTAssertEqual(plan.trainableCount, item["trainable"]?.integer, label)
  }
}
