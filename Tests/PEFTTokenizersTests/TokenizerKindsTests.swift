import PEFTTokenizers
import XCTest

/// Small tokenizers of every kind against the `tokenizers` library (make_kinds.py).
final class TokenizerKindsTests: XCTestCase {
  private struct Kinds: Decodable {
    var texts: [String]
    /// For each text the hashes of the ids, the ids without special tokens, the offsets and words, the
    /// pairs, and the text without and with special tokens.
    var tokenizers: [String: [[String]]]
    /// For each folder without a tokenizer.json the hashes of the ids that Transformers gives.
    var folders: [String: [String]]
  }

  private static let kinds = Result { try Fixtures.json("kinds.json", as: Kinds.self) }

  private func check(_ prefix: String, file: StaticString = #filePath, line: UInt = #line) throws {
    let kinds = try Self.kinds.get()
    for (name, cases) in kinds.tokenizers where name.hasPrefix(prefix) {
      let tokenizer = try Tokenizer(file: Fixtures.path("kinds/\(name).json"))
      for (index, expected) in cases.enumerated() {
        let text = kinds.texts[index]
        let other = kinds.texts[(index * 7 + 3) % kinds.texts.count]
        let encoding = tokenizer.encoding(of: text)
        let ids = tokenizer.encode(text)
        let found = [
          hash(ids), hash(tokenizer.encode(text, addSpecialTokens: false)),
          hash(flat(encoding.offsets) + encoding.wordIDs.map { Int32($0 ?? -1) }),
          hash(
            [true, false].flatMap { special -> [Int32] in
              let pair = tokenizer.encoding(of: text, pair: other, addSpecialTokens: special)
              return pair.ids + pair.typeIDs + pair.specialTokensMask + flat(pair.offsets)
            }),
          hash(tokenizer.decode(ids)), hash(tokenizer.decode(ids, skipSpecialTokens: false)),
        ]
        let note = "\(name), text \(index): \(text.debugDescription)"
        XCTAssertEqual(found, expected, "\(note): \(ids)", file: file, line: line)
        XCTAssertEqual(encoding.ids, ids, note, file: file, line: line)
        checkBytes(encoding, text, note, file: file, line: line)
      }
    }
  }

  /// The offsets in bytes must be those in characters.
  private func checkBytes(
    _ encoding: Encoding, _ text: String, _ note: String, file: StaticString, line: UInt
  ) {
    let scalars = Array(text.unicodeScalars)
    var starts = [0]
    for scalar in scalars { starts.append(starts[starts.count - 1] + scalar.utf8.count) }
    for (bytes, range) in zip(encoding.byteOffsets, encoding.offsets) {
      let expected = starts[range.lowerBound]..<starts[range.upperBound]
      if bytes.isEmpty, range.isEmpty { continue }
      XCTAssertEqual(bytes, expected, note, file: file, line: line)
    }
  }

  private func flat(_ offsets: [Range<Int>]) -> [Int32] {
    offsets.flatMap { [Int32($0.lowerBound), Int32($0.upperBound)] }
  }

  private func hash(_ ids: [Int32]) -> String {
    var hash = Hash()
    hash.add(ids)
    return hash.text
  }

  private func hash(_ text: String) -> String {
    var hash = Hash()
    for byte in text.utf8 { hash.add(byte) }
    return hash.text
  }

  func testFoldersWithoutTokenizerFile() throws {
    let kinds = try Self.kinds.get()
    XCTAssertEqual(kinds.folders.count, 5)
    for (name, expected) in kinds.folders {
      let tokenizer = try Tokenizer(folder: Fixtures.path("folders/\(name)"))
      for (text, hash) in zip(kinds.texts, expected) {
        let ids = tokenizer.encode(text)
        XCTAssertEqual(self.hash(ids), hash, "\(name), \(text.debugDescription): \(ids)")
      }
    }
  }

  func testWordPiece() throws { try check("wordpiece") }

  func testBytePairEncoding() throws { try check("bpe") }

  func testUnigram() throws { try check("unigram") }

  func testNormalizers() throws { try check("normal") }

  func testPreTokenizers() throws { try check("split") }
}
