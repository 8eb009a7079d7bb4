import Foundation
import PEFTTestSupport
import XCTest

/// The code of the README and of the articles is compiled: it stands in a snippet, line by line.
final class DocumentationTests: XCTestCase {
  func testCodeStandsInSnippets() throws {
    let root = Files.package
    let snippets = try files(root.appendingPathComponent("Snippets"), "swift").map(lines)
    let articles = try files(root.appendingPathComponent("Sources/PEFT/PEFT.docc"), "md")
    var count = 0
    for file in articles + [root.appendingPathComponent("README.md")] {
      for block in try blocks(file) {
        count += 1
        XCTAssert(
          snippets.contains { contains(block, in: $0) },
          "\(file.lastPathComponent): \(block.first ?? "") and what follows stands in no snippet")
      }
    }
    XCTAssertGreaterThanOrEqual(count, 4)
  }

  private func files(_ folder: URL, _ kind: String) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == kind }
  }

  /// The lines that say something, without indentation.
  private func lines(_ file: URL) throws -> [String] {
    try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }

  private func blocks(_ file: URL) throws -> [[String]] {
    var (blocks, current): ([[String]], [String]?) = ([], nil)
    for line in try lines(file) {
      if line == "```swift" {
        current = []
      } else if line == "```", let block = current {
        blocks.append(block)
        current = nil
      } else if line != "import PEFT" {
        current?.append(line)
      }
    }
    return blocks
  }

  private func contains(_ block: [String], in snippet: [String]) -> Bool {
    guard snippet.count >= block.count, !block.isEmpty else { return false }
    return (0...snippet.count - block.count).contains {
      Array(snippet[$0..<$0 + block.count]) == block
    }
  }
}
