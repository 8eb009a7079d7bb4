import Foundation
import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Damaged folders: what would not load, all of it at once.
final class FolderReportTests: XCTestCase {
  func testGoodFolders() throws {
    for name in ["llama-lora", "gpt2-lora", "llama-vera", "llama-shira", "gpt2-prefix"] {
      let folder = Files.fixture("Oracle/\(name)").path
      let model = FolderReport("\(folder)/base")
      XCTAssertEqual(model.problems, [], name)
      XCTAssertEqual(model.kind, .model)
      XCTAssertNotNil(model.base)
      let adapter = FolderReport("\(folder)/adapter_final", base: "\(folder)/base")
      XCTAssert(adapter.loads, "\(name) \(adapter.problems)")
      XCTAssertEqual(adapter.kind, .adapter)
      XCTAssertFalse(adapter.targets.isEmpty, name)
    }
  }

  func testDamagedAdapters() throws {
    let config = "adapter_config.json"
    let weights = "adapter_model.safetensors"
    let cases: [(String, (URL) throws -> Void, String)] = [
      ("truncated", { try Self.write(Self.read($0, weights).dropLast(5), $0, weights) }, "valid"),
      ("empty", { try Self.write(Data(), $0, weights) }, "fewer than 8"),
      ("swapped", { try Self.write(Self.read($0, config), $0, weights) }, "header"),
      ("no weights", { try Self.remove($0, weights) }, "No such file"),
      ("no settings", { try Self.remove($0, config) }, "No such file"),
      (
        "hostile JSON", { try Self.write(Data(repeating: 0x5B, count: 99_999), $0, config) }, "JSON"
      ),
      ("another kind", { try Self.edit($0, config, "LORA", "LORAX") }, "peft_type"),
      (
        "a field", { try Self.edit($0, config, "\"revision\"", "\"revisiom\": 1, \"x\"") },
        "revisiom"
      ),
      ("misnamed", { try Self.edit($0, weights, "lora_A", "lora_Q") }, "lora_A"),
      ("another rank", { try Self.edit($0, config, "\"r\": 3", "\"r\": 5") }, "expected [5"),
      ("element type", { try Self.edit($0, weights, "\"F32\"", "\"U32\"") }, "U32"),
      (
        "pickle",
        { folder in
          try Self.remove(folder, weights)
          try Self.write(Data([0x80, 2]), folder, "adapter_model.bin")
        }, "pickle"
      ),
      (
        "a loop of links",
        { folder in
          try Self.remove(folder, weights)
          try FileManager.default.createSymbolicLink(
            atPath: folder.appendingPathComponent(weights).path, withDestinationPath: weights)
        }, "cannot be read"
      ),
    ]
    for (label, damage, expected) in cases {
      try Self.withCopy("adapter_final") { folder in
        try damage(folder)
        let base = Files.fixture("Oracle/llama-lora/base").path
        let report = FolderReport(folder.path, base: base)
        XCTAssertFalse(report.loads, label)
        let text = report.problems.map(\.message).joined(separator: "\n")
        XCTAssert(text.contains(expected), "\(label): \(text)")
        let model = try CausalLM(directory: base)
        XCTAssertNotNil(expectAdapterError(label) { try model.loadAdapter(folder.path) })
        XCTAssertEqual(model.adapters.names, [], label)
      }
    }
  }

  func testAllProblemsOfAModelAtOnce() throws {
    try Self.withCopy("base") { folder in
      try Self.edit(folder, "config.json", "{", "{\"no_such_field\": 1,")
      try Self.edit(folder, "model.safetensors", "q_proj", "q_porj")
      let report = FolderReport(folder.path)
      let text = report.problems.map(\.message).joined(separator: "\n")
      for part in [
        "no_such_field", "layers.0.self_attn.q_proj", "layers.1.self_attn.q_proj", "q_porj",
      ] {
        XCTAssert(text.contains(part), text)
      }
    }
  }

  func testPicklesAreNamedAndNotOpened() throws {
    try Files.withTemporaryFolder { folder in
      try Self.write(Data([0x80, 2]), folder, "lora.bin")
      let report = FolderReport(folder.path)
      XCTAssertEqual(report.kind, .unknown)
      XCTAssert(report.problems[0].message.contains("loralib"), "\(report.problems)")
      XCTAssert(
        FolderReport(folder.appendingPathComponent("lora.bin").path).problems[0].message
          .contains("pickle"))
    }
  }

  private static func withCopy(_ part: String, _ body: (URL) throws -> Void) throws {
    try Files.withTemporaryFolder { root in
      let folder = root.appendingPathComponent(part)
      try FileManager.default.copyItem(at: Files.fixture("Oracle/llama-lora/\(part)"), to: folder)
      try body(folder)
    }
  }

  private static func read(_ folder: URL, _ name: String) throws -> Data {
    try Data(contentsOf: folder.appendingPathComponent(name))
  }

  private static func write(_ data: some DataProtocol, _ folder: URL, _ name: String) throws {
    try Data(data).write(to: folder.appendingPathComponent(name))
  }

  private static func remove(_ folder: URL, _ name: String) throws {
    try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
  }

  /// Replaces bytes; in a safetensors file, by as many.
  private static func edit(_ folder: URL, _ name: String, _ old: String, _ new: String) throws {
    var data = try read(folder, name)
    var start = data.startIndex
    var count = 0
    while let range = data.range(of: Data(old.utf8), in: start..<data.endIndex) {
      data.replaceSubrange(range, with: Data(new.utf8))
      start = range.lowerBound + new.utf8.count
      count += 1
      if name.hasSuffix(".json") { break }
    }
    XCTAssertGreaterThan(count, 0, "\(name) has no \(old)")
    try write(data, folder, name)
  }
}
