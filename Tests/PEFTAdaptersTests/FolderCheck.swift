import Foundation
import PEFTAdapters
import XCTest

extension Adapter {
  /// Saves to two folders inside a root, `a` and `b`, whose files must have the same bytes.
  func saveTwice(in root: URL, file: StaticString = #filePath, line: UInt = #line) throws {
    for name in ["a", "b"] { try save(to: root.appendingPathComponent(name).path) }
    for part in ["adapter_config.json", "adapter_model.safetensors"] {
      let bytes = try ["a", "b"].map {
        try Data(contentsOf: root.appendingPathComponent("\($0)/\(part)"))
      }
      XCTAssertEqual(bytes[0], bytes[1], part, file: file, line: line)
    }
  }
}
