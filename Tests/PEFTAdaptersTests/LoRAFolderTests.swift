import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Adapter folders as Hugging Face PEFT writes them.
final class LoRAFolderTests: XCTestCase {
  private func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  private func fields(_ path: String) throws -> [String: JSON] {
    try Self.comparable(JSON(parsing: bytes(path + "/adapter_config.json")))
  }

  /// By name; lists that PEFT keeps as sets in order.
  private static func comparable(_ json: JSON) throws -> [String: JSON] {
    var fields: [String: JSON] = [:]
    for member in try XCTUnwrap(json.members) {
      let isSet = ["target_modules", "exclude_modules", "feedforward_modules"]
        .contains(member.name)
      let names = isSet ? member.value.elements?.compactMap(\.string) : nil
      fields[member.name] = names.map { .array($0.sorted().map(JSON.string)) } ?? member.value
    }
    return fields
  }

  private func expectEqual(_ found: [String: JSON], _ expected: [String: JSON], _ label: String) {
    XCTAssertEqual(found.keys.sorted(), expected.keys.sorted(), label)
    for (name, value) in expected {
      XCTAssertEqual(found[name]?.text(.compact), value.text(.compact), "\(label) \(name)")
    }
  }

  func testAdaptersOfPEFTComeBackToTheByte() throws {
    for item in try OracleCase.all(in: Files.fixture("Oracle")) {
      for part in ["adapter_initial", "adapter_final"] {
        try Files.withTemporaryFolder { folder in
          let model = try item.base()
          let adapter = try model.loadAdapter(item.path(part))
          try adapter.save(to: folder.path)
          let label = "\(item.name) \(part)"
          expectEqual(try fields(folder.path), try fields(item.path(part)), label)
          // What an encoder makes is computed anew, and may differ by rounding.
          if FileManager.default.fileExists(
            atPath: item.path(part) + "/adapter_training.safetensors")
          {
            return
          }
          let (own, theirs) = (
            folder.path + "/adapter_model.safetensors",
            item.path(part) + "/adapter_model.safetensors"
          )
          XCTAssertEqual(
            try shapes(own), try shapes(theirs), label)
          XCTAssertEqual(try elements(own), try elements(theirs), label)
        }
      }
    }
  }

  func testNewAdaptersHaveTheKeysAndFieldsOfPEFT() throws {
    let names = [
      "gpt2_default", "gpt2_fanin_explicit", "gpt2_wte", "llama_alllinear_rslora", "llama_default",
      "llama_emb_lmhead", "llama_lorabias", "llama_modules_to_save", "llama_patterns",
      "llamatied_modules_to_save_tie",
    ]
    for name in names {
      let dump = try String(contentsOf: Files.shared("formats/lora_\(name).txt"), encoding: .utf8)
      let parts = dump.components(separatedBy: "== adapter_config.json\n")
      let end = try XCTUnwrap(parts[1].range(of: "\n}"))
      let json = try JSON(parsing: Data(parts[1][..<end.upperBound].utf8))
      let family = name.hasPrefix("gpt2") ? "gpt2" : "llama"
      let model = try TestModels.make(family) {
        ($0.vocabularySize, $0.width, $0.heads, $0.headWidth) = (64, 16, 4, 4)
        $0.feedForwardWidth = family == "gpt2" ? 64 : 24
        if name.hasPrefix("llamatied") { $0.hasTiedHead = true }
      }
      let method = try LoRA(ConfigurationFile(path: "adapter_config.json", json: json))
      let adapter = try model.attach(method)
      try Files.withTemporaryFolder { folder in
        try adapter.save(to: folder.path)
        expectEqual(try fields(folder.path), try Self.comparable(json), name)
        let file = try SafetensorsFile(path: folder.path + "/adapter_model.safetensors")
        let found = file.entries.map { "\($0.name)  \($0.dtype.rawValue) \($0.shape)" }
        let expected = parts[0].components(separatedBy: "\n\n")[1].split(separator: "\n")
          .dropFirst().map(String.init)
        XCTAssertEqual(found, expected, name)
        XCTAssertEqual(
          file.metadata.map(\.name), ["format", "swift_peft.base", "swift_peft.probe"])
        XCTAssertEqual(file.metadata.first?.value, "pt")
      }
    }
  }

  func testSavingTwiceGivesTheSameBytes() throws {
    try Files.withTemporaryFolder { folder in
      let model = try TestModels.make("llama")
      var method = LoRA(rank: 2, targets: .allLinear)
      method.rankPattern = [.init("v_proj", 3), .init("q_proj", 5)]
      let adapter = try model.attach(method)
      let (one, two) = (folder.path + "/one", folder.path + "/two")
      try adapter.save(to: one)
      try adapter.save(to: two)
      try adapter.save(to: two)
      for file in ["adapter_config.json", "adapter_model.safetensors"] {
        XCTAssertEqual(try bytes("\(one)/\(file)"), try bytes("\(two)/\(file)"))
      }
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: two).count, 2)
      // The first pattern counts, so their order is kept.
      let patterns = try XCTUnwrap(fields(one)["rank_pattern"]?.members)
      XCTAssertEqual(patterns.map(\.name), ["v_proj", "q_proj"])
      XCTAssertEqual(try fields(one)["base_model_name_or_path"]?.isNull, true)
      try adapter.save(to: one, baseModel: "somebody/base")
      XCTAssertEqual(try fields(one)["base_model_name_or_path"]?.string, "somebody/base")
    }
  }

  func testNamedAdaptersHaveFoldersOfTheirOwn() throws {
    try Files.withTemporaryFolder { folder in
      let model = try TestModels.make("llama")
      let first = try model.attach(LoRA(rank: 2))
      first.randomize(1)
      let second = try model.attach(LoRA(rank: 3), name: "french")
      second.randomize(2)
      let output = model.sample
      XCTAssertEqual(try first.save(to: folder.path), folder.path)
      XCTAssertEqual(try second.save(to: folder.path), folder.path + "/french")
      let file = try SafetensorsFile(path: folder.path + "/french/adapter_model.safetensors")
      XCTAssertFalse(file.names.contains { $0.contains("french") })

      let other = try TestModels.make("llama")
      try other.loadAdapter(folder.path)
      XCTAssertEqual((try other.adapter("default").method as? LoRA)?.rank, 2)
      try other.loadAdapter(folder.path + "/french", name: "french")
      XCTAssertEqual(other.adapters.activeNames, ["french"])
      XCTAssertEqual(other.sample.bits, output.bits)
      // A folder with nothing but named adapters gives them by name.
      try FileManager.default.removeItem(atPath: folder.path + "/adapter_config.json")
      try other.detach("french")
      try other.loadAdapter(folder.path, name: "french")
      XCTAssertEqual(other.sample.bits, output.bits)
    }
  }

  func testStoredTableOfTheBaseStandsInWhileTheAdapterIsActive() throws {
    try Files.withTemporaryFolder { folder in
      let model = try TestModels.make("llama", seed: 1)
      let adapter = try model.attach(LoRA(rank: 2, targets: .names(["embed_tokens", "lm_head"])))
      adapter.randomize()
      try adapter.save(to: folder.path)
      // Another base whose other weights are the same: the saved tables come with the adapter.
      let other = try TestModels.make("llama", seed: 1)
      let table = other.decoder.tokens.weight
      table.value = withoutGradients { table.value * 2 }
      let (bits, output) = (other.bits, other.sample)
      let loaded = try other.loadAdapter(folder.path, isTrainable: true)
      XCTAssertEqual(other.sample.bits, model.sample.bits)
      XCTAssertEqual(other.parameterCount(.trainable), adapter.parameterCount)
      XCTAssertEqual(other.withoutAdapters { other.sample }.bits, output.bits)
      try Files.withTemporaryFolder { again in
        try loaded.save(to: again.path)
        XCTAssertEqual(
          try elements(again.path + "/adapter_model.safetensors"),
          try elements(folder.path + "/adapter_model.safetensors"))
      }
      let adapted = other.sample
      try other.merge()
      expectClose(other.sample, adapted, absolute: 2e-5 * Double(adapted.largest))
      try other.unmerge()
      try other.detach("default")
      XCTAssertEqual(other.bits, bits)
    }
  }

  func testAMergedAdapterIsSavedWithThePristineBase() throws {
    try Files.withTemporaryFolder { folder in
      let model = try TestModels.make("llama")
      let adapter = try model.attach(LoRA(rank: 2, targets: .names(["embed_tokens", "q_proj"])))
      adapter.randomize()
      try adapter.save(to: folder.path + "/before")
      try model.merge()
      try adapter.save(to: folder.path + "/after")
      let file = "/adapter_model.safetensors"
      // The output of the adapter alone cannot be told while it is merged.
      XCTAssertEqual(
        try elements(folder.path + "/before" + file), try elements(folder.path + "/after" + file))
    }
  }

  /// What the header of a safetensors file says about its tensors, in the order of their bytes.
  private func shapes(_ path: String) throws -> [String] {
    try SafetensorsFile(path: path).entries.map { "\($0.name) \($0.dtype) \($0.shape)" }
  }

  /// The bytes of a safetensors file after its header.
  private func elements(_ path: String) throws -> Data {
    let all = try bytes(path)
    let length = all.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    return all.dropFirst(8 + length)
  }
}
