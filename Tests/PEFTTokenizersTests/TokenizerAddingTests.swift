import Foundation
import PEFTTestSupport
import PEFTTokenizers
import XCTest

final class TokenizerAddingTests: XCTestCase {
  /// The last one is in the vocabulary of many of the kinds, where it is not found as a whole in every word.
  private let tokens = ["<tool>", "Ünd so", "<|call|>", "se"]
  private let texts = [
    "call <tool>with<tool> x", "Ünd so weiter <|call|>", "nothing of it", " <tool> ", "",
    "these useless senses",
  ]

  private func kinds() throws -> [String] {
    let folder = Files.fixture("Tokenizers/kinds").path
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      .filter { $0.hasSuffix(".json") }.map { "\(folder)/\($0)" }
  }

  /// Each of the kinds with the tokens, beside what it was before.
  private func extended(
    _ body: (_ name: String, _ old: Tokenizer, _ new: Tokenizer, _ ids: [Int32]) throws -> Void
  ) throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("tokenizer.json")
      for file in try kinds() {
        let addition = try Tokenizer.adding(tokens + ["<tool>"], to: file)
        try Data(addition.text.utf8).write(to: path)
        try body(file, try Tokenizer(file: file), try Tokenizer(file: path.path), addition.ids)
      }
    }
  }

  func testNewTokensAreFoundAndOthersStay() throws {
    try extended { name, old, new, ids in
      XCTAssertEqual(ids[4], ids[0], name)
      XCTAssertEqual(ids.prefix(4).compactMap { new.token($0) }, tokens, name)
      XCTAssertEqual(old.id(of: "se") ?? ids[3], ids[3], name)
      XCTAssertEqual(new.encode(texts[5]).count { $0 == ids[3] }, 4, name)
      let added = tokens.filter { old.id(of: $0) == nil }.count
      XCTAssertEqual(new.vocabularySize, old.vocabularySize + added, name)
      XCTAssertEqual(new.encode(texts[2]), old.encode(texts[2]), name)
      XCTAssertEqual(new.encode(texts[0]).count { $0 == ids[0] }, 2, name)
    }
  }

  /// `$PEFT_PYTHON` may name a Python that has the library.
  func testIdsAreThoseOfTheLibrary() throws {
    let python = try Python(importing: "tokenizers")
    let script = """
      import json, sys
      from tokenizers import AddedToken, Tokenizer
      tokens, texts, files = json.loads(sys.argv[1])
      result = []
      for file in files:
          tokenizer = Tokenizer.from_file(file)
          tokenizer.no_truncation()
          tokenizer.no_padding()
          tokenizer.add_tokens([AddedToken(token, normalized=False) for token in tokens])
          result.append([tokenizer.encode(text).ids for text in texts])
      print(json.dumps(result))
      """
    let words = try JSONEncoder().encode([tokens, texts, kinds()])
    let run = try python(["-c", script, String(decoding: words, as: UTF8.self)])
    XCTAssertEqual(run.exitCode, 0, run.errors)
    var expected = try JSONDecoder().decode([[[Int32]]].self, from: Data(run.output.utf8))[...]
    try extended { name, _, new, _ in
      XCTAssertEqual(texts.map { new.encode($0) }, try XCTUnwrap(expected.popFirst()), name)
    }
  }
}
