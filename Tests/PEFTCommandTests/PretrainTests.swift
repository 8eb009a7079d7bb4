import Foundation
import PEFTJSON
import PEFTTestSupport
import XCTest

final class PretrainTests: XCTestCase {
  func testTheSameSeedGivesTheSameBytes() throws {
    try Files.withTemporaryFolder { folder in
      func run(_ name: String, seed: String) throws -> [String: Data?] {
        let output = folder.appendingPathComponent(name).path
        let result = try CommandRun([
          "pretrain", "--output", output, "--steps", "2", "--batch", "2", "--vocabulary-texts",
          "40", "--seed", seed, "--json",
        ]).json()
        XCTAssertLessThan(result["held_out_loss"]?.number ?? .infinity, 7)
        let names = ["config.json", "tokenizer.json", "model.safetensors"]
        return Dictionary(
          uniqueKeysWithValues: names.map {
            ($0, FileManager.default.contents(atPath: "\(output)/\($0)"))
          })
      }
      let first = try run("a", seed: "1")
      XCTAssertFalse(first.values.contains(nil))
      XCTAssertEqual(first, try run("b", seed: "1"))
      XCTAssertNotEqual(first["model.safetensors"], try run("c", seed: "2")["model.safetensors"])
    }
  }
}
