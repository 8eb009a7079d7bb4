import Foundation
import PEFT
import PEFTDefaultModel
import XCTest

final class DefaultModelTests: XCTestCase {
  private func folder() throws -> URL { try XCTUnwrap(DefaultModel.folder) }

  func testFilesTakeAtMost3Megabytes() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: folder().path).sorted()
    XCTAssertEqual(files, ["config.json", "model.safetensors", "tokenizer.json"])
    let bytes = try files.reduce(0) { sum, file in
      let path = try folder().appendingPathComponent(file).path
      return sum + (FileManager.default.contents(atPath: path)?.count ?? 0)
    }
    XCTAssertLessThanOrEqual(bytes, 3_000_000)
  }

  func testTokenizerGivesEveryTextBack() throws {
    let tokenizer = try Tokenizer(folder: folder().path)
    var stories = StoryGenerator(seed: 77)
    var rows = WeatherRows(seed: 77)
    for text in [stories.next(), rows.next().prompt, "naïve  🦊\n\ttabs, 3.14; 'quoted'"] {
      let ids = tokenizer.encode(text, addSpecialTokens: false)
      XCTAssertEqual(tokenizer.decode(ids), text)
    }
    XCTAssertEqual(tokenizer.id(of: "<|endoftext|>"), 0)
  }

  /// A model that had learnt nothing would be at the logarithm of its vocabulary, 6.6 nats.
  func testKnowsStories() throws {
    let model = try CausalLM(directory: folder().path)
    let tokenizer = try Tokenizer(folder: folder().path)
    var stories = StoryGenerator(seed: 1234)
    let rows = (0..<8).map { _ in
      [0] + tokenizer.encode(stories.next(), addSpecialTokens: false) + [0]
    }
    let (sum, count) = model.evaluate(TokenBatch(rows: rows))
    XCTAssertLessThan(sum / Double(count), 0.65)
  }
}
