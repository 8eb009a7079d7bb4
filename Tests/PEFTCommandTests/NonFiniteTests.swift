import Foundation
import PEFTTestSupport
import XCTest

/// Weights that are not numbers: an error, not a text or a loss made from them.
final class NonFiniteTests: XCTestCase {
  func testWhatCannotBeComputedIsAnError() throws {
    try Files.withTemporaryFolder { folder in
      let (data, adapter) = (
        folder.appendingPathComponent("rows.jsonl").path,
        folder.appendingPathComponent("adapter").path
      )
      let rows = "{\"prompt\": \"One\", \"completion\": \" day\"}\n"
      try Data((rows + rows).utf8).write(to: URL(fileURLWithPath: data))
      let trained = try CommandRun([
        "train", "--data", data, "--steps", "1", "--output", adapter,
      ])
      XCTAssertEqual(trained.exitCode, 0, trained.errors)
      let file = URL(fileURLWithPath: "\(adapter)/adapter_model.safetensors")
      // The last four bytes are the last element of the last matrix.
      var bytes = try Data(contentsOf: file)
      bytes.replaceSubrange((bytes.count - 4)..., with: [0, 0, 0xC0, 0x7F])
      try bytes.write(to: file)

      let generated = try CommandRun([
        "generate", "--adapter", adapter, "--prompt", "One", "--json",
      ])
      XCTAssertEqual(generated.exitCode, 1)
      XCTAssert(generated.errors.contains("the logits of row 0 for new token 0"), generated.errors)
      XCTAssertFalse(generated.output.contains("{"), generated.output)

      let evaluated = try CommandRun(["evaluate", "--adapter", adapter, "--data", data, "--json"])
      XCTAssertEqual(evaluated.exitCode, 1)
      XCTAssert(evaluated.errors.contains("the loss of row 1 is nan"), evaluated.errors)
      XCTAssertFalse(evaluated.output.contains("loss"), evaluated.output)

      let merged = folder.appendingPathComponent("merged").path
      let merge = try CommandRun(["merge", "--adapter", adapter, "--output", merged])
      XCTAssertEqual(merge.exitCode, 1)
      XCTAssert(merge.errors.contains("not finite"), merge.errors)
      XCTAssertFalse(FileManager.default.fileExists(atPath: "\(merged)/model.safetensors"))
    }
  }
}
