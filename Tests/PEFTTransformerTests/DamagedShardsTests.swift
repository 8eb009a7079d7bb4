import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// A model in several files, each of which can be damaged by itself: the error names the file, what was expected and what was found.
final class DamagedShardsTests: XCTestCase {
  private let first = "model-00001-of-00003.safetensors"
  private let second = "model-00002-of-00003.safetensors"
  private let third = "model-00003-of-00003.safetensors"
  private let table = "model.embed_tokens.weight"

  func testEveryDamageIsAnErrorThatNamesTheFile() throws {
    typealias Damage = (URL) throws -> Void
    let damages: [(label: String, damage: Damage, message: String)] = [
      (
        "missing",
        { try FileManager.default.removeItem(at: $0.appendingPathComponent(self.second)) },
        "/\(second): cannot be read: No such file or directory"
      ),
      (
        "truncated",
        { folder in
          let url = folder.appendingPathComponent(self.third)
          try Data(contentsOf: url).dropLast(7).write(to: url)
        },
        "/\(third): is no valid safetensors file: it is cut short: the tensors take 1656 bytes, the "
          + "file has 1649"
      ),
      (
        "empty", { try Data().write(to: $0.appendingPathComponent(self.first)) },
        "/\(first): is no valid safetensors file: "
      ),
      (
        "swapped",
        { folder in
          let (a, b) = (
            folder.appendingPathComponent(self.second), folder.appendingPathComponent(self.third)
          )
          let data = try Data(contentsOf: a)
          try Data(contentsOf: b).write(to: a)
          try data.write(to: b)
        }, "/\(third): has no tensor \"lm_head.weight\""
      ),
      (
        "mis-shaped",
        {
          try self.rewrite($0, self.first) {
            $0 == self.table ? ($0, Tensor(zeros: [47, 16])) : nil
          }
        },
        "/\(first): tensor \"\(table)\" has shape [47, 16], expected [48, 16]"
      ),
      (
        "renamed",
        { try self.rewrite($0, self.first) { $0 == self.table ? ("model.tokens", nil) : nil } },
        "/\(first): has no tensor \"\(table)\"; did you mean "
      ),
      (
        "of integers",
        { folder in
          let url = folder.appendingPathComponent(self.third)
          try SafetensorsFile.write(
            [
              .init(
                "lm_head.weight", Indices(Array(repeating: 1, count: 768), shape: [48, 16]),
                as: .int32)
            ],
            to: url.path)
        }, "/\(third): tensor \"lm_head.weight\" has element type I32, expected "
      ),
      (
        "outside the folder",
        { folder in
          try self.replace(
            in: folder.appendingPathComponent("model.safetensors.index.json"), self.third,
            "../\(self.third)")
        }, "is \"../\(third)\", expected the name of a safetensors file beside the index"
      ),
    ]
    for (label, damage, message) in damages {
      try Files.withTemporaryFolder { root in
        let folder = root.appendingPathComponent("model")
        try FileManager.default.copyItem(at: Files.fixture("Models/llama-sharded"), to: folder)
        XCTAssertNoThrow(try CausalLM(directory: folder.path))
        try damage(folder)
        XCTAssertThrowsError(try CausalLM(directory: folder.path), label) { error in
          XCTAssertTrue(error is CheckpointError, "\(label): \(type(of: error))")
          XCTAssertTrue("\(error)".contains(message), "\(label): \(error)")
        }
      }
    }
  }

  /// Writes a file again with tensors of other names or values.
  private func rewrite(
    _ folder: URL, _ name: String, _ change: (String) -> (name: String, value: Tensor?)?
  ) throws {
    let path = folder.appendingPathComponent(name).path
    let file = try SafetensorsFile(path: path)
    let items = try file.names.map { name -> SafetensorsFile.Item in
      let value = try file.tensor(name).copied()
      let changed = change(name)
      return .init(changed?.name ?? name, changed?.value ?? value)
    }
    try SafetensorsFile.write(items, to: path)
  }

  private func replace(in url: URL, _ old: String, _ new: String) throws {
    let text = try String(contentsOf: url, encoding: .utf8).replacingOccurrences(of: old, with: new)
    try text.write(to: url, atomically: false, encoding: .utf8)
  }
}
